-- name: line_up
INSERT INTO behind (push, key, source, sequence, desired, queuedAt)
SELECT $push, a.key, a.source, a.sequence, a.desired, $now FROM addressed AS a JOIN routed AS r USING (key)
WHERE a.op <> 'delete' AND r.op <> 'delete' AND key NOT IN (SELECT key FROM refused)

-- name: passed_receipts
INSERT INTO receipts (push, key, sequence, attempt, outcome, reason, answeredAt)
SELECT push, key, sequence, 0, 'superseded', 'passed over, as a later change follows: ' || coalesce(reason, state), $now
FROM outbox WHERE push = $push AND state IN ('dead', 'waiting') AND key IN (SELECT key FROM behind WHERE push = $push)

-- name: pass_over
DELETE FROM outbox WHERE push = $push AND state IN ('dead', 'waiting')
    AND key IN (SELECT key FROM behind WHERE push = $push)

-- name: promote
INSERT INTO outbox (push, key, source, sequence, desired, state, attempts, dueAt, queuedAt, tried)
SELECT $push, key, arg_min(source, sequence), min(sequence), arg_min(desired, sequence), 'due', 0, $now, min(queuedAt),
    false
FROM behind WHERE push = $push{only} AND key NOT IN (SELECT key FROM outbox WHERE push = $push{only}) GROUP BY key

-- name: promoted
DELETE FROM behind AS b USING outbox AS o
WHERE b.push = $push AND o.push = $push AND b.key = o.key AND b.sequence = o.sequence{promoted}
