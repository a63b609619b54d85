-- name: elsewhere
-- A position of before it was kept says nothing of where its push went.
SELECT 1 FROM positions WHERE push = $push AND destination <> $to LIMIT 1

-- name: receipts
-- What is under way there is told by its own answer as well.
INSERT INTO receipts (push, key, sequence, attempt, outcome, reason, answeredAt)
SELECT $push, key, sequence, 0, 'skipped', 'the sync sends to ' || $to || ' by now', $now FROM (
    SELECT key, sequence FROM outbox WHERE push = $push UNION SELECT key, sequence FROM behind WHERE push = $push
)

-- name: outbox
DELETE FROM outbox WHERE push = $push

-- name: behind
DELETE FROM behind WHERE push = $push

-- name: rivals
DELETE FROM rivals WHERE push = $push

-- name: affected
DELETE FROM affected WHERE push = $push

-- name: holds
UPDATE holds SET state = 'withdrawn' WHERE push = $push AND state IN ('held', 'replaced')

-- name: positions
DELETE FROM positions WHERE push = $push
