-- name: wake
-- What waits for its item at the destination is looked for again at each run.
UPDATE outbox SET state = 'due' WHERE push = $push AND state = 'waiting'

-- name: expire
-- A claim whose holder died: what it sent, if anything, has an unknown outcome; its fields are already forgotten.
UPDATE outbox SET state = 'due', claim = NULL, dueAt = greatest(dueAt, $now)
WHERE push = $push AND state = 'claimed' AND leaseUntil < $now

-- name: claim
UPDATE outbox SET state = 'claimed', claim = $claim, leaseUntil = $lease
WHERE push = $push AND key IN (
    SELECT key FROM outbox WHERE push = $push AND state = 'due' AND dueAt <= $now ORDER BY queuedAt, key LIMIT $limit
)

-- name: taken
CREATE TEMP TABLE taken AS
SELECT o.key, o.sequence, o.source, o.desired, o.attempts, a.fields, b.ids,
    row_number() OVER (ORDER BY o.queuedAt, o.key) AS place
FROM outbox AS o
LEFT JOIN accepted AS a ON a.connection = $to AND a.entity = $entity AND a.key = o.key
LEFT JOIN (
    SELECT key, list(externalId ORDER BY id) AS ids FROM bindings
    WHERE connection = $to AND entity = $bound_as AND live GROUP BY key
) AS b ON b.key = CAST(to_json({{{bound_key}}}) AS VARCHAR)
WHERE o.push = $push AND o.claim = $claim

-- name: claimed
SELECT * EXCLUDE (place) FROM taken ORDER BY place

-- name: forget
DELETE FROM accepted AS a USING intents AS i WHERE a.connection = $to AND a.entity = $entity AND a.key = i.key

-- name: intend
INSERT INTO accepted (connection, entity, key, source, fields, acceptedAt)
SELECT $to, $entity, key, source, fields, $now FROM intents

-- name: next_due
SELECT min(dueAt) FROM outbox WHERE push = $push AND state = 'due'
