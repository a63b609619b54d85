-- name: frame
CREATE OR REPLACE TEMP TABLE frame AS
SELECT _id, _page, _row, _askedAt, _externalId, _live, _faults, {key}, {stamp} AS _stamp FROM mapped

-- name: outdated
-- One external id read twice in a walk is one record: the newest stamp, then the page asked for last. Where one of its
-- stamps cannot be told, only the page does. To look for such ids first takes half the time.
DELETE FROM frame WHERE _id IN (
    SELECT _id FROM (
        SELECT _id, row_number() OVER (
            PARTITION BY _externalId
            ORDER BY CASE WHEN _stamped THEN _stamp END DESC NULLS LAST, _askedAt DESC, _page DESC, _row DESC
        ) AS _rank
        FROM frame JOIN (
            SELECT _externalId, count(*) = count(_stamp) AS _stamped FROM frame
            WHERE _externalId IS NOT NULL GROUP BY _externalId HAVING count(*) > 1
        ) USING (_externalId)
    )
    WHERE _rank > 1
)

-- name: summed
-- The records of one key are parts of one: their amounts are added up, unknown when one of them is, and cleared
-- when all are. One that cannot be read, or names no key, stays as it is; its own id says nothing of the key that it is
-- a part of. A sum is as old as its oldest part: the others say nothing of what that one is now.
SELECT min(_page) AS _page, min(_row) AS _row, min(_askedAt) AS _askedAt,
       CAST(to_json({{{key_fields}}}) AS VARCHAR) AS _externalId, bool_or(_live) AS _live, {key}, {sums},
       list_reduce(list(_cleared), lambda a, b: list_filter(a, lambda name: list_contains(b, name))) AS _cleared,
       flatten(list(_faults)) AS _faults
FROM mapped WHERE {key_known} AND _id IN (SELECT _id FROM frame)
GROUP BY {key}
UNION ALL BY NAME
SELECT _page, _row, _askedAt, CAST(NULL AS VARCHAR) AS _externalId, _live, {columns}, _cleared, _faults FROM mapped
WHERE NOT ({key_known}) AND _id IN (SELECT _id FROM frame)

-- name: unreadable
-- Rows that cannot be read, each with all its reasons.
CREATE TEMP TABLE reasons AS
SELECT _id, unnest(list_concat(_faults, list_filter([{null_keys}], lambda x: x IS NOT NULL))) AS reason
FROM frame

-- name: lacking
-- What names no whole key may be a part of any sum that has the rest of it.
INSERT INTO reasons (_id, reason)
SELECT DISTINCT _id, '{sum_names}: may lack a part, as a record of the source has no readable key'
FROM (SELECT _id, unnest([{key_in_part}]) AS _key FROM frame WHERE {key_known})
JOIN (SELECT DISTINCT CAST(to_json({{{key_fields}}}) AS VARCHAR) AS _key FROM frame WHERE NOT ({key_known})) USING (_key)

-- name: shadowed
-- A record out of use does not claim the key of one in use.
DELETE FROM frame AS gone
USING (SELECT {key} FROM frame WHERE _live GROUP BY ALL) AS live
WHERE NOT gone._live AND {same_key}
RETURNING gone._askedAt, gone._externalId, CAST(to_json({{{key_of_gone}}}) AS VARCHAR) AS _key

-- name: duplicates
INSERT INTO reasons (_id, reason)
SELECT _id, '{key_names}: ' || claims || ' records of the source claim this key'
FROM (SELECT _id, count(*) OVER (PARTITION BY {key}) AS claims FROM frame WHERE {key_known})
WHERE claims > 1

-- name: usable
SELECT _id FROM frame WHERE _id NOT IN (SELECT _id FROM reasons) ORDER BY {key}

-- name: failed_checks
INSERT INTO reasons BY NAME SELECT _id, reason FROM failures

-- name: quarantined
SELECT _page, _row, _askedAt, _externalId, _live, CAST(to_json({{{key_fields}}}) AS VARCHAR) AS _key, reasons
FROM frame JOIN (SELECT _id, list_sort(list(reason)) AS reasons FROM reasons GROUP BY _id) USING (_id)
ORDER BY _page, _row
