-- name: no_own
CREATE TEMP TABLE own (key VARCHAR, source VARCHAR, fields VARCHAR, leftOut BOOLEAN)

-- name: own
-- What the destination accepted of one pull's keys, as far as they are this push's business, and are these keys still.
-- What it changed by itself, as when it sold, is sent again anyway. Of a key of which nothing is accepted, and nothing is
-- to be sent, it is known that it was found there.
INSERT INTO own (key, source, fields, leftOut)
SELECT key, source, fields,
       acceptedAt >= $started
       OR key IN (SELECT key FROM outbox WHERE push = $push AND state IN ('due', 'claimed'))
       OR {awaited}
FROM (
    SELECT a.key, a.source, a.fields, a.acceptedAt, a.sourceKey, coalesce(s.after, '{{}}') AS after
    FROM (SELECT *, substr(source, length($prefix) + 1) AS sourceKey FROM accepted
          WHERE connection = $to AND entity = $entity AND starts_with(source, $prefix)
              AND (fields <> '{{}}' OR key NOT IN (SELECT key FROM outbox WHERE push = $push))) AS a
    LEFT JOIN (SELECT sourceKey, after FROM ({state})) AS s USING (sourceKey)
) AS k
WHERE {only} AND key = CAST(to_json({{{destination_key}}}) AS VARCHAR)

-- name: scopes
SELECT DISTINCT json_extract_string(key, $part) FROM own ORDER BY 1

-- name: any
SELECT 1 FROM own LIMIT 1

-- name: there
CREATE TEMP TABLE there AS SELECT CAST(to_json({{{key_fields}}}) AS VARCHAR) AS key, * FROM there_rows LIMIT 0

-- name: more_there
-- Of a key that was read twice the first counts.
INSERT INTO there BY NAME
SELECT * FROM (SELECT CAST(to_json({{{key_fields}}}) AS VARCHAR) AS key, * FROM there_rows)
WHERE key NOT IN (SELECT key FROM there)

-- name: bad
-- One whose id is bound to no key is not ours.
CREATE TEMP TABLE bad AS SELECT key, nameless FROM ({unreadable})

-- name: closed
-- What is in a scope that could not be asked for may be there or not, with any value.
INSERT INTO bad (key, nameless) SELECT key, false FROM own WHERE list_contains($closed, json_extract_string(key, $part))

-- name: missing
SELECT key FROM own WHERE NOT leftOut
    AND key NOT IN (SELECT key FROM there) AND key NOT IN (SELECT key FROM bad WHERE key IS NOT NULL)
ORDER BY key

-- name: not_asked
-- Under way when what was missing was looked up, and not any more.
UPDATE own SET leftOut = true WHERE list_contains($keys, key)

-- name: nameless
SELECT count(*) FROM bad WHERE nameless

-- name: compared
-- One row per key of which something is known: the fields in which it drifted, as {{field, accepted, there}}.
CREATE TEMP TABLE compared AS
SELECT key, source, fields, false AS gone, list_filter([{drifted}], lambda one: one IS NOT NULL) AS drifted
FROM (SELECT own.*, there.* EXCLUDE (key){typed} FROM own JOIN there USING (key)
      WHERE NOT leftOut AND own.key NOT IN (SELECT key FROM bad WHERE key IS NOT NULL))
UNION ALL BY NAME
SELECT key, source, fields, true AS gone FROM own JOIN gone_there USING (key)

-- name: counts
SELECT count(*), count(*) FILTER (len(drifted) > 0), count(*) FILTER (gone), (SELECT count(*) FROM own WHERE leftOut),
       (SELECT count(*) FROM own WHERE NOT leftOut) - count(*)
FROM compared

-- name: newer
SELECT 1 FROM readbacks WHERE push = $push AND startedAt > $started

-- name: forget_drift
DELETE FROM drift WHERE push = $push

-- name: drift
INSERT INTO drift (push, key, source, field, accepted, there)
SELECT $push, key, source, one.field, one.accepted, one.there
FROM (SELECT key, source, unnest(drifted) AS one FROM compared)
UNION ALL
SELECT $push, key, source, NULL, fields, NULL FROM compared WHERE gone

-- name: forget
DELETE FROM readbacks WHERE push = $push

-- name: remember
INSERT INTO readbacks (push, startedAt, finishedAt, records, compared, drifted, gone, leftOut, unreadable, doubt)
VALUES ($push, $started, $finished, $records, $compared, $drifted, $gone, $left_out, $unreadable, $doubt)

-- name: drop
DROP TABLE IF EXISTS own; DROP TABLE IF EXISTS there; DROP TABLE IF EXISTS bad; DROP TABLE IF EXISTS compared

-- name: newest
SELECT startedAt, finishedAt, records, compared, drifted, gone, leftOut, unreadable, doubt FROM readbacks
WHERE push = $push

-- name: drifted
SELECT key, field, accepted, there FROM drift WHERE push = $push ORDER BY key, field LIMIT $most
