-- name: line_up
INSERT INTO behind (push, key, source, sequence, desired, queuedAt)
SELECT $push, a.key, a.source, a.sequence, a.desired, $now FROM addressed AS a JOIN routed AS r USING (key)
WHERE a.op <> 'delete' AND r.op <> 'delete' AND key NOT IN (SELECT key FROM refused)

-- name: passed_receipts
INSERT INTO receipts (push, key, sequence, attempt, outcome, reason, answeredAt)
SELECT push, key, sequence, 0, 'superseded', 'passed over, as a later change follows: ' || coalesce(reason, state), $now
FROM outbox WHERE push = $push AND state IN ('dead', 'waiting') AND key IN (SELECT key FROM behind WHERE push = $push)

-- name: pass_over
-- What was tried of the one that is closed may be there, which the next one has to settle first.
UPDATE outbox AS o SET sequence = n.sequence, source = n.source, desired = n.desired, state = 'due', attempts = 0,
    dueAt = greatest(o.dueAt, $now), reason = NULL
FROM (
    SELECT key, min(sequence) AS sequence, arg_min(source, sequence) AS source, arg_min(desired, sequence) AS desired
    FROM behind WHERE push = $push GROUP BY key
) AS n
WHERE o.push = $push AND o.key = n.key AND o.state IN ('dead', 'waiting')

-- name: passed_over
DELETE FROM behind AS b USING outbox AS o
WHERE b.push = $push AND o.push = $push AND b.key = o.key AND b.sequence <= o.sequence

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
