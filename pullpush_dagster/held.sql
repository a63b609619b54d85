-- name: pulls
SELECT a.hash, a.connection || '/' || a.name || CASE WHEN a.scope = '' THEN '' ELSE ' ' || a.scope END AS "where",
    (SELECT count(*) FROM held_changes AS h WHERE h.audit = a.audit) AS changes, a.reasons, a.auditedAt AS since,
    (SELECT list({key: key, op: op, before: before, after: after, cleared: cleared}) FROM (
        SELECT * FROM held_changes AS h WHERE h.audit = a.audit ORDER BY key LIMIT $shown
    )) AS examples
FROM audits AS a WHERE a.state = 'held'

-- name: pushes
SELECT hash, connection || '/' || name || ' -> ' || push AS "where", changes, reasons, heldAt AS since,
    push, connection, name, position, through, again
FROM holds WHERE state = 'held'

-- name: examples
-- Of a push's held set, which is about what ``only`` lets through; and of what it is to send again.
SELECT key, op, before, after, cleared FROM (
    SELECT *, key AS sourceKey FROM changes WHERE connection = $connection AND name = $name
        AND sequence > $position AND sequence <= $through
    UNION ALL BY NAME
    SELECT sourceKey AS key, sourceKey, 'again' AS op, $through + 1 AS sequence
    FROM (SELECT substr(unnest(CAST($again AS VARCHAR[])), length($connection || '/' || $name || ' ') + 1) AS sourceKey)
)
WHERE {only} ORDER BY sequence, key LIMIT $shown

-- name: pulled
SELECT audit, connection, name, scope FROM audits WHERE hash = $hash AND state IN ('held', 'replaced')
ORDER BY audit DESC LIMIT 1

-- name: pushed
SELECT push, connection, name, through FROM holds WHERE hash = $hash AND state IN ('held', 'replaced')
ORDER BY heldAt DESC LIMIT 1
