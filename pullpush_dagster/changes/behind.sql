-- name: line_up
INSERT INTO behind (push, key, source, sequence, desired, queuedAt)
SELECT $push, a.key, a.source, a.sequence, a.desired, $now FROM addressed AS a JOIN routed AS r USING (key)
WHERE a.op <> 'delete' AND r.op <> 'delete' AND key NOT IN (SELECT key FROM refused)

-- name: skipped
-- With ``on_dead: skip``: heads that were given up, or wait for their item, where a later change follows.
CREATE TEMP TABLE closed AS
SELECT key, 'passed over, as a later change follows: ' || coalesce(reason, state) AS said, false AS anew FROM outbox
WHERE push = $push AND state IN ('dead', 'waiting') AND key IN (SELECT key FROM behind WHERE push = $push)

-- name: given_up
CREATE TEMP TABLE closed AS
SELECT o.key, o.reason AS said, true AS anew FROM outbox AS o JOIN routed AS r USING (key)
WHERE o.push = $push AND o.state = 'dead' AND r.op <> 'delete' AND r.key NOT IN (SELECT key FROM refused)

-- name: unrouted
-- Else just those that had no way to the destination, and have one by now.
DELETE FROM closed AS c WHERE NOT EXISTS (
    FROM receipts AS x
    WHERE x.push = $push AND x.key = c.key AND x.reason = c.said AND x.claim IS NULL AND x.outcome = 'rejected'
)

-- name: passed_receipts
INSERT INTO receipts (push, key, sequence, attempt, outcome, reason, answeredAt)
SELECT o.push, o.key, o.sequence, 0, 'superseded', CASE WHEN c.anew THEN 'routed anew, after: ' ELSE '' END || c.said, $now
FROM outbox AS o JOIN closed AS c USING (key) WHERE o.push = $push

-- name: pass_over
-- What was tried of the one that is closed may be there, which the next one has to settle first. Nothing of it is lost that
-- is unknown by now.
UPDATE outbox AS o SET sequence = n.sequence, source = n.source, state = 'due', attempts = 0,
    desired = CASE WHEN o.source = n.source THEN overlaid(o.desired, n.desired) ELSE n.desired END,
    dueAt = greatest(o.dueAt, $now), reason = NULL
FROM (
    SELECT key, min(sequence) AS sequence, arg_min(source, sequence) AS source,
        arg_min(desired, sequence) AS desired
    FROM behind JOIN closed USING (key) WHERE push = $push GROUP BY key
) AS n
WHERE o.push = $push AND o.key = n.key

-- name: passed_over
DELETE FROM behind AS b USING outbox AS o
WHERE b.push = $push AND o.push = $push AND b.key = o.key AND b.sequence <= o.sequence AND b.key IN (SELECT key FROM closed)

-- name: drop_closed
DROP TABLE closed

-- name: next
-- Of each key without a head, its first change.
CREATE TEMP TABLE next AS
SELECT key, arg_min(source, sequence) AS source, min(sequence) AS sequence, arg_min(desired, sequence) AS desired,
    min(queuedAt) AS queuedAt
FROM behind AS b WHERE push = $push{only} AND NOT EXISTS (FROM outbox AS o WHERE o.push = $push AND o.key = b.key)
GROUP BY key

-- name: promote
INSERT INTO outbox (push, key, source, sequence, desired, state, attempts, dueAt, queuedAt, tried)
SELECT $push, key, source, sequence, desired, 'due', 0, $now, queuedAt, false FROM next

-- name: promoted
DELETE FROM behind AS b USING next AS n WHERE b.push = $push AND b.key = n.key AND b.sequence = n.sequence

-- name: drop
DROP TABLE next
