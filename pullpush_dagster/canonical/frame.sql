-- name: newest
-- One external id read twice in a walk is one record: the newest stamp, then the page asked for last.
CREATE TABLE frame AS
SELECT row_number() OVER () AS _id, * EXCLUDE (_rank)
FROM (
    SELECT *, row_number() OVER (
        PARTITION BY coalesce(_externalId, _page || '/' || _row)
        ORDER BY {stamp} DESC NULLS LAST, _askedAt DESC, _page DESC, _row DESC
    ) AS _rank
    FROM mapped
)
WHERE _rank = 1

-- name: unreadable
-- Rows that cannot be read, each with all its reasons.
CREATE TABLE reasons AS
SELECT _id, unnest(list_concat(_faults, list_filter([{null_keys}], lambda x: x IS NOT NULL))) AS reason
FROM frame

-- name: shadowed
-- A record out of use does not claim the key of one in use.
DELETE FROM frame AS gone
USING (SELECT {key} FROM frame WHERE _live GROUP BY ALL) AS live
WHERE NOT gone._live AND {same_key}

-- name: duplicates
INSERT INTO reasons (_id, reason)
SELECT _id, '{key_names}: ' || claims || ' records of the source claim this key'
FROM (SELECT _id, count(*) OVER (PARTITION BY {key}) AS claims FROM frame WHERE {key_known})
WHERE claims > 1

-- name: candidates
SELECT _id, {scalars} FROM frame WHERE _id NOT IN (SELECT _id FROM reasons) ORDER BY _id

-- name: failed_checks
INSERT INTO reasons BY NAME SELECT _id, reason FROM failures

-- name: rows
SELECT {columns}, _cleared, _askedAt, _externalId, _live
FROM frame WHERE _id NOT IN (SELECT _id FROM reasons)
ORDER BY {key}

-- name: quarantined
SELECT _page, _row, _externalId, _live, CAST(to_json({{{key_fields}}}) AS VARCHAR) AS _key, reasons
FROM frame JOIN (SELECT _id, list_sort(list(reason)) AS reasons FROM reasons GROUP BY _id) USING (_id)
ORDER BY _page, _row
