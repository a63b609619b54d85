-- name: wake
-- What waits for its item at the destination is looked for again at each run.
UPDATE outbox SET state = 'due' WHERE push = $push AND state = 'waiting'

-- name: leave_unconfirmed
-- Where the destination cannot be asked, what a holder that died may have made there must not be made again.
UPDATE outbox AS o SET state = 'unconfirmed', claim = NULL, refused = NULL, tried = true,
    reason = 'whoever sent it is gone, and ' || $to || ' cannot be asked whether it is there'
WHERE push = $push AND state = 'claimed' AND leaseUntil < $now
    AND NOT EXISTS (FROM bindings AS b WHERE b.connection = $to AND b.entity = $entity AND b.key = o.key)

-- name: expire
-- A claim whose holder died: what it sent, if anything, has an unknown outcome; its fields are already forgotten.
UPDATE outbox SET state = CASE WHEN refused IS NULL THEN 'due' ELSE 'dead' END, reason = coalesce(refused, reason),
    refused = NULL, claim = NULL, tried = true, dueAt = greatest(dueAt, $now),
    triedSequence = coalesce(triedSequence, sequence), triedDesired = coalesce(triedDesired, desired)
WHERE push = $push AND state = 'claimed' AND leaseUntil < $now

-- name: pick
-- In the order in which they are to go.
CREATE TEMP TABLE picked AS
SELECT rowid AS place FROM outbox WHERE push = $push AND state = 'due' AND dueAt <= $now ORDER BY queuedAt, key LIMIT $limit

-- name: mine
-- A table of its own, so that what is joined with it is planned for its size and not for that of the outbox.
CREATE TEMP TABLE mine AS
SELECT rowid AS place, key, sequence, source, desired, triedSequence, triedDesired, attempts,
    coalesce(refusals, 0) AS refusals, {bound_key} AS boundKey
FROM outbox WHERE rowid IN (SELECT place FROM picked)

-- name: claim
UPDATE outbox SET state = 'claimed', claim = $claim, leaseUntil = $lease WHERE rowid IN (SELECT place FROM mine)

-- name: taken
-- What was accepted, and bindings, are narrowed to the claimed keys first: what a claim costs goes with its own size.
-- Where only the same request again can settle whether a key is there, it is that request until it is settled.
CREATE TEMP TABLE taken AS
SELECT p.rowid AS item, 0 AS place, m.key, m.source, m.attempts, m.refusals,
    $repeats AND b.ids IS NULL AND m.triedSequence IS NOT NULL AS repeated,
    CASE WHEN repeated THEN m.triedSequence ELSE m.sequence END AS sequence,
    CASE WHEN repeated THEN coalesce(m.triedDesired, m.desired) ELSE m.desired END AS desired,
    a.fields, b.ids
FROM mine AS m JOIN picked AS p ON p.place = m.place
LEFT JOIN (
    SELECT key, fields FROM accepted WHERE connection = $to AND entity = $entity AND key IN (SELECT key FROM mine)
) AS a ON a.key = m.key
LEFT JOIN (
    SELECT key, list(externalId) AS ids FROM bindings
    WHERE connection = $to AND entity = $bound_as AND live AND key IN (SELECT boundKey FROM mine) GROUP BY key
) AS b ON b.key = m.boundKey

-- name: follow
-- What waits behind keys with one item, which is all that can go without being looked at first.
INSERT INTO taken (item, place, key, source, attempts, refusals, repeated, sequence, desired, fields, ids)
SELECT t.item, b.place, b.key, b.source, 0, 0, false, b.sequence, b.desired, t.fields, t.ids
FROM (
    SELECT *, row_number() OVER (PARTITION BY key ORDER BY sequence) AS place FROM behind
    WHERE push = $push AND key IN (SELECT key FROM taken WHERE len(ids) = 1)
) AS b JOIN taken AS t ON t.key = b.key AND t.place = 0
WHERE b.place <= $most

-- name: fold
-- Of a key without an item nothing is accepted any more, but it is all to be told to the next one.
UPDATE outbox AS o SET desired = overlaid(t.fields, o.desired) FROM taken AS t
WHERE o.push = $push AND o.key = t.key AND t.place = 0 AND t.ids IS NULL AND t.fields IS NOT NULL

-- name: put_down
DROP TABLE IF EXISTS picked; DROP TABLE IF EXISTS mine; DROP TABLE IF EXISTS taken

-- name: claimed
SELECT * EXCLUDE (item, place), NULL AS form, CAST(NULL AS VARCHAR) AS path, CAST(NULL AS VARCHAR) AS record,
    CAST(NULL AS VARCHAR) AS after, CAST(NULL AS VARCHAR) AS "left"
FROM taken ORDER BY item

-- name: forget
DELETE FROM accepted AS a USING intents AS i WHERE a.connection = $to AND a.entity = $entity AND a.key = i.key

-- name: intend
INSERT INTO accepted (connection, entity, key, source, fields, acceptedAt)
SELECT $to, $entity, key, source, fields, $now FROM intents

-- name: next_due
SELECT min(dueAt) FROM outbox WHERE push = $push AND state = 'due'

-- name: count_due
SELECT count(*) FROM outbox WHERE push = $push AND state = 'due' AND dueAt <= $now
