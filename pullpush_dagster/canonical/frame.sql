-- name: mapped
CREATE TEMP TABLE frame AS {projection}

-- name: outdated
-- One external id read twice in a walk is one record: the newest stamp, then the page asked for last.
-- Only the narrow columns are sorted, and only what is outdated is touched: hardly ever anything.
DELETE FROM frame WHERE rowid IN (
    SELECT _id FROM (
        SELECT rowid AS _id, row_number() OVER (
            PARTITION BY coalesce(_externalId, _page || '/' || _row)
            ORDER BY {stamp} DESC NULLS LAST, _askedAt DESC, _page DESC, _row DESC
        ) AS _rank
        FROM frame
    )
    WHERE _rank > 1
)

-- name: summed
-- The records of one key are parts of one: their amounts are added up, unknown when one of them is. One that cannot
-- be read, or names no key, stays as it is.
CREATE OR REPLACE TEMP TABLE frame AS
SELECT min(_page) AS _page, min(_row) AS _row, max(_askedAt) AS _askedAt,
       CAST(to_json({{{key_fields}}}) AS VARCHAR) AS _externalId, bool_or(_live) AS _live, {key}, {sums},
       flatten(list(_cleared)) AS _cleared, flatten(list(_faults)) AS _faults
FROM frame WHERE {key_known}
GROUP BY {key}
UNION ALL BY NAME
SELECT _page, _row, _askedAt, _externalId, _live, {columns}, _cleared, _faults FROM frame WHERE NOT ({key_known})

-- name: unreadable
-- Rows that cannot be read, each with all its reasons.
CREATE TEMP TABLE reasons AS
SELECT rowid AS _id, unnest(list_concat(_faults, list_filter([{null_keys}], lambda x: x IS NOT NULL))) AS reason
FROM frame

-- name: shadowed
-- A record out of use does not claim the key of one in use.
DELETE FROM frame AS gone
USING (SELECT {key} FROM frame WHERE _live GROUP BY ALL) AS live
WHERE NOT gone._live AND {same_key}

-- name: duplicates
INSERT INTO reasons (_id, reason)
SELECT _id, '{key_names}: ' || claims || ' records of the source claim this key'
FROM (SELECT rowid AS _id, count(*) OVER (PARTITION BY {key}) AS claims FROM frame WHERE {key_known})
WHERE claims > 1

-- name: candidates
SELECT rowid AS _id, {scalars} FROM frame WHERE rowid NOT IN (SELECT _id FROM reasons) ORDER BY rowid

-- name: failed_checks
INSERT INTO reasons BY NAME SELECT _id, reason FROM failures

-- name: rows
SELECT {columns}, _cleared, _askedAt, _externalId, _live
FROM frame WHERE rowid NOT IN (SELECT _id FROM reasons)
ORDER BY {key}

-- name: quarantined
SELECT _page, _row, _externalId, _live, CAST(to_json({{{key_fields}}}) AS VARCHAR) AS _key, reasons
FROM frame JOIN (SELECT _id, list_sort(list(reason)) AS reasons FROM reasons GROUP BY _id) ON frame.rowid = _id
ORDER BY _page, _row
