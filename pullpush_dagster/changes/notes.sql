-- name: held
SELECT DISTINCT claim FROM outbox WHERE claim IS NOT NULL

-- name: gone
-- Claims whose holder died.
SELECT DISTINCT claim FROM outbox WHERE push = $push AND state = 'claimed' AND leaseUntil < $now

-- name: receipts
-- Of what was noted, those that the store has not heard of.
INSERT INTO receipts (push, key, sequence, claim, attempt, outcome, reason, answeredAt)
SELECT $push, n.key, n.sequence, n.claim, coalesce(o.attempts, 0) + 1, 'accepted',
    'noted by whoever sent it, and is gone since', n.takenAt
FROM noted AS n LEFT JOIN outbox AS o ON o.push = $push AND o.key = n.key AND o.sequence = n.sequence
WHERE NOT EXISTS (
    FROM receipts AS r WHERE r.push = $push AND r.claim = n.claim AND r.key = n.key AND r.sequence = n.sequence
)

-- name: newest
-- Of each key, the last that was noted, where the store's head is that one or one before it.
CREATE TEMP TABLE newest_noted AS
SELECT n.key, max(n.sequence) AS sequence, arg_max(n.left, n.sequence) AS "left", any_value(o.source) AS source,
    any_value(o.refused) AS refused
FROM noted AS n JOIN outbox AS o ON o.push = $push AND o.key = n.key AND o.claim = n.claim AND o.sequence <= n.sequence
WHERE o.state = 'claimed' GROUP BY n.key

-- name: left
-- What the destination is known to have of them while the next one is under way.
SELECT key, source, "left" AS fields FROM newest_noted WHERE "left" IS NOT NULL

-- name: passed
DELETE FROM behind AS b USING newest_noted AS n WHERE b.push = $push AND b.key = n.key AND b.sequence <= n.sequence

-- name: done
DELETE FROM outbox AS o USING newest_noted AS n WHERE o.push = $push AND o.key = n.key

-- name: tried
-- It may have gone already. What was refused meanwhile stays so.
UPDATE outbox AS o SET tried = true, state = CASE WHEN n.refused IS NULL THEN o.state ELSE 'dead' END,
    reason = coalesce(n.refused, o.reason)
FROM newest_noted AS n WHERE o.push = $push AND o.key = n.key

-- name: drop
DROP TABLE newest_noted
