-- name: waits
SELECT 1 FROM behind WHERE push = $push LIMIT 1

-- name: last
-- Of each key, all that its newest source key has waiting, as one.
CREATE TEMP TABLE last AS
SELECT b.key, b.source, max(b.sequence) AS sequence, min(b.queuedAt) AS queuedAt,
    list_reduce(list(b.desired ORDER BY b.sequence), lambda a, c: overlaid(a, c)) AS desired
FROM behind AS b
JOIN (SELECT key, arg_max(source, sequence) AS source FROM behind WHERE push = $push GROUP BY key) USING (key, source)
WHERE b.push = $push
    AND NOT EXISTS (FROM outbox AS o WHERE o.push = $push AND o.key = b.key AND o.state IN ('claimed', 'unconfirmed'))
GROUP BY b.key, b.source

-- name: join
UPDATE outbox AS o SET sequence = n.sequence, source = n.source, attempts = 0,
    desired = CASE WHEN o.source = n.source THEN overlaid(o.desired, n.desired) ELSE n.desired END,
    state = CASE WHEN o.state = 'dead' THEN 'due' ELSE o.state END,
    dueAt = CASE WHEN o.state = 'dead' THEN greatest(o.dueAt, $now) ELSE o.dueAt END,
    reason = CASE WHEN o.state <> 'dead' THEN o.reason END
FROM last AS n WHERE o.push = $push AND o.key = n.key

-- name: stand_alone
INSERT INTO outbox (push, key, source, sequence, desired, state, attempts, dueAt, queuedAt, tried)
SELECT $push, key, source, sequence, desired, 'due', 0, $now, queuedAt, false FROM last
WHERE key NOT IN (SELECT key FROM outbox WHERE push = $push)

-- name: joined
DELETE FROM behind WHERE push = $push AND key IN (SELECT key FROM last)

-- name: drop
DROP TABLE last
