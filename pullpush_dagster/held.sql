-- name: pulls
SELECT a.hash, a.connection || '/' || a.name || CASE WHEN a.scope = '' THEN '' ELSE ' ' || a.scope END AS "where",
    (SELECT count(*) FROM held_changes AS h WHERE h.audit = a.audit) AS changes, a.reasons, a.auditedAt AS since,
    (SELECT list({key: key, op: op, before: before, after: after, cleared: cleared}) FROM (
        SELECT * FROM held_changes AS h WHERE h.audit = a.audit ORDER BY key LIMIT $shown
    )) AS examples
FROM audits AS a WHERE a.state = 'held'

-- name: pushes
SELECT h.hash, h.connection || '/' || h.name || ' -> ' || h.push AS "where", h.changes, h.reasons, h.heldAt AS since,
    (SELECT list({key: key, op: op, before: before, after: after, cleared: cleared}) FROM (
        SELECT * FROM changes AS c WHERE c.connection = h.connection AND c.name = h.name
            AND c.sequence > h.position AND c.sequence <= h.through ORDER BY sequence LIMIT $shown
    )) AS examples
FROM holds AS h WHERE h.state = 'held'

-- name: pulled
SELECT audit, connection, name, scope FROM audits WHERE hash = $hash AND state IN ('held', 'replaced')
ORDER BY audit DESC LIMIT 1

-- name: pushed
SELECT push, connection, name, through FROM holds WHERE hash = $hash AND state IN ('held', 'replaced')
ORDER BY heldAt DESC LIMIT 1
