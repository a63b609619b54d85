-- name: no_chosen
CREATE TEMP TABLE chosen (
    key VARCHAR, source VARCHAR, sequence BIGINT, fields VARCHAR, wanted MAP(VARCHAR, JSON), there MAP(VARCHAR, JSON)
)

-- name: choose
-- Drifted keys of one pull, with the newest values that the source gave for what drifted; of a key that is gone there,
-- all of them. Not a key that is in the outbox, accepted since, changed at the source and not read yet, to be sent again
-- anyway once the source was asked, or routed elsewhere by now; and never a field that is unknown.
INSERT INTO chosen (key, source, sequence, fields, wanted, there)
WITH drifted AS (
    SELECT a.key, a.source, any_value(a.fields) AS fields, substr(a.source, length($prefix) + 1) AS sourceKey,
           list(d.field) FILTER (d.field IS NOT NULL) AS names, bool_or(d.field IS NULL) AS gone,
           map_from_entries(coalesce(list((d.field, CAST(d.there AS JSON))) FILTER (d.field IS NOT NULL), [])) AS there
    FROM drift AS d JOIN accepted AS a ON a.connection = $to AND a.entity = $entity AND a.key = d.key
        AND a.source = d.source
    JOIN readbacks AS r ON r.push = d.push
    WHERE d.push = $push AND starts_with(a.source, $prefix) AND a.acceptedAt < r.startedAt
        AND CAST(CASE WHEN d.field IS NULL THEN a.fields ELSE json_extract(a.fields, '$.' || d.field) END AS VARCHAR)
            = d.accepted
        AND d.key NOT IN (SELECT key FROM outbox WHERE push = $push)
    GROUP BY a.key, a.source
), newest AS (
    SELECT sourceKey, CAST(to_json({{{destination_key}}}) AS VARCHAR) AS key,
           map_concat(CAST(CAST(after AS JSON) AS MAP(VARCHAR, JSON)),
                      CAST(to_json(map(cleared, list_transform(cleared, lambda x: false))) AS MAP(VARCHAR, JSON))) AS known
    FROM ({state}) WHERE {only} AND {untranslated} IS NULL
)
SELECT k.key, k.source, coalesce((
           SELECT max(position) FROM positions WHERE push = $push AND connection = $connection AND name = $name
       ), 0), k.fields,
       map_from_entries(list_filter(map_entries(n.known), lambda e: k.gone OR list_contains(k.names, e.key))), k.there
FROM drifted AS k JOIN newest AS n USING (sourceKey, key)
WHERE NOT {awaited} AND sourceKey NOT IN (
    SELECT c.key FROM changes AS c JOIN positions AS p USING (connection, name)
    WHERE p.push = $push AND c.connection = $connection AND c.name = $name AND c.sequence > p.position
)

-- name: unknown
DELETE FROM chosen WHERE cardinality(wanted) = 0

-- name: counts
-- What sending them would do to what the destination has. What is emptied (false) does the harm of a zero.
SELECT (SELECT count(*) FROM accepted WHERE connection = $to AND entity = $entity), count(*),
       count(*) FILTER ({zeroes}), count(*) FILTER ({jumps})
FROM (
    SELECT TRY_CAST(replace(wanted[$amount] ->> '$', 'false', '0') AS DECIMAL(18,4)) AS amount,
           TRY_CAST(there[$amount] ->> '$' AS DECIMAL(18,4)) AS amount_there,
           TRY_CAST(replace(wanted[$price] ->> '$', 'false', '0') AS DECIMAL(18,4)) AS price,
           TRY_CAST(there[$price] ->> '$' AS DECIMAL(18,4)) AS price_there
    FROM chosen
)

-- name: drifted_keys
SELECT count(DISTINCT key) FROM drift WHERE push = $push

-- name: forget
-- What it accepted there is no longer what it has.
UPDATE accepted AS a SET fields = CAST(to_json(map_from_entries(list_filter(
    map_entries(CAST(CAST(a.fields AS JSON) AS MAP(VARCHAR, JSON))),
    lambda e: NOT list_contains(map_keys(c.wanted), e.key)
))) AS VARCHAR)
FROM chosen AS c WHERE a.connection = $to AND a.entity = $entity AND a.key = c.key

-- name: enter
INSERT INTO outbox (push, key, source, sequence, desired, state, attempts, dueAt, queuedAt)
SELECT $push, key, source, sequence, CAST(to_json(wanted) AS VARCHAR), 'due', 0, $now, $now FROM chosen

-- name: unbind
-- What is gone and cannot be written to, which would tell, is looked for under its key instead, and made if it is not
-- there. Not what was taken just now: neither a list nor a look-up need have it yet.
DELETE FROM bindings AS b USING chosen AS c
WHERE b.connection = $to AND b.entity = $entity AND b.key = c.key
    AND c.key IN (SELECT key FROM drift WHERE push = $push AND field IS NULL)
    AND c.key IN (SELECT key FROM accepted WHERE connection = $to AND entity = $entity AND acceptedAt < $settled)

-- name: another
-- To be sent again is another request than the one that was taken.
UPDATE outbox AS o SET refusals = t.times FROM {claims} AS t JOIN chosen AS c USING (key)
WHERE o.push = $push AND o.key = t.key

-- name: drop
DROP TABLE chosen
