-- name: still_ours
-- How many of these keys are still in this claim's hands; of how many a newer version came meanwhile, or was refused;
-- and of how many that one is another source key's.
SELECT count(*), count(*) FILTER (o.sequence > s.sequence), count(*) FILTER (o.refused IS NOT NULL),
    count(*) FILTER (o.sequence > s.sequence AND o.source <> s.source)
FROM settled AS s JOIN outbox AS o ON o.push = $push AND o.key = s.key AND o.claim = s.claim WHERE s.decides

-- name: all_mine
CREATE TEMP VIEW mine AS SELECT * FROM settled WHERE decides

-- name: mine
-- Only what this claim still holds: a claim that ran out is somebody else's by now.
CREATE TEMP TABLE mine AS
SELECT s.* FROM settled AS s JOIN outbox AS o ON o.push = $push AND o.key = s.key AND o.claim = s.claim WHERE s.decides

-- name: advance
-- Others of their keys were taken before: the head is the one that was not.
UPDATE outbox AS o SET sequence = b.sequence, source = b.source, desired = b.desired, attempts = 0, refusals = 0,
    tried = true, reason = NULL, triedSequence = NULL, triedDesired = NULL
FROM mine AS m JOIN behind AS b ON b.push = $push AND b.key = m.key AND b.sequence = m.sequence
WHERE o.push = $push AND o.key = m.key AND o.state = 'claimed' AND m.state IS NOT NULL

-- name: passed
DELETE FROM behind AS b USING mine AS m WHERE b.push = $push AND b.key = m.key AND b.sequence <= m.sequence

-- name: forget
DELETE FROM accepted AS a USING mine AS m
WHERE a.connection = $to AND a.entity = $entity AND a.key = m.key AND m.fields IS NOT NULL

-- name: accept
INSERT INTO accepted (connection, entity, key, source, fields, acceptedAt)
SELECT $to, $entity, key, source, fields, $now FROM mine WHERE fields IS NOT NULL

-- name: found
-- It is there, and nothing of it was taken from us. That is known of what the id is an id of: a product that is there need
-- not have a level in each place.
INSERT INTO accepted (connection, entity, key, source, fields, acceptedAt)
SELECT $to, $entity, key, source, '{}', $now FROM mine
WHERE outcome = 'skipped' AND there AND $entity = $bound_as
    AND key NOT IN (SELECT key FROM accepted WHERE connection = $to AND entity = $entity)

-- name: hand_over
-- The key moved to another source key while this was under way.
UPDATE accepted AS a SET source = o.source FROM mine AS m JOIN outbox AS o ON o.push = $push AND o.key = m.key
WHERE a.connection = $to AND a.entity = $entity AND a.key = m.key AND o.sequence > m.sequence AND o.source <> m.source

-- name: give_up
-- Unless only a person can tell what became of it. A claim may have sent a row before, though not the last time. The
-- letter is not older than what followed its head in the claim, and was taken.
UPDATE outbox AS o SET sequence = greatest(o.sequence, m.sequence),
    desired = CASE WHEN m.sequence > o.sequence THEN coalesce(m.fields, o.desired) ELSE o.desired END,
    state = 'dead', claim = NULL, leaseUntil = NULL, reason = o.refused, refused = NULL,
    dueAt = CASE WHEN m.outcome = 'unknown' THEN m.dueAt ELSE o.dueAt END,
    tried = tried OR m.sentAt IS NOT NULL OR m.attempts > o.attempts,
    triedSequence = CASE WHEN m.outcome = 'unknown' THEN m.sequence ELSE o.triedSequence END,
    triedDesired = CASE WHEN m.outcome = 'unknown' THEN coalesce(o.triedDesired, o.desired) ELSE o.triedDesired END
FROM mine AS m
WHERE o.push = $push AND o.key = m.key AND o.state = 'claimed' AND o.refused IS NOT NULL
    AND m.state IS DISTINCT FROM 'unconfirmed'

-- name: done
DELETE FROM outbox AS o USING mine AS m
WHERE o.push = $push AND o.key = m.key AND o.state = 'claimed' AND m.state IS NULL AND o.sequence <= m.sequence

-- name: renewed
-- A newer version came while this one was under way: it is due at once, with attempts of its own, but not before what
-- had no answer has settled, nor before what may be there has gone once more, to be told. One that was refused meanwhile
-- is given up by now, here and below.
UPDATE outbox AS o SET state = 'due', claim = NULL, leaseUntil = NULL, attempts = 0, reason = NULL,
    dueAt = CASE WHEN m.outcome = 'unknown' THEN m.dueAt ELSE $now END,
    triedSequence = CASE WHEN m.outcome = 'unknown' THEN coalesce(o.triedSequence, m.sequence) END,
    triedDesired = CASE WHEN m.outcome = 'unknown' THEN o.triedDesired END,
    tried = tried OR m.sentAt IS NOT NULL OR m.attempts > o.attempts
FROM mine AS m
WHERE o.push = $push AND o.key = m.key AND o.state = 'claimed' AND o.sequence > m.sequence
    AND (m.state IS NULL OR m.state NOT IN ('due', 'unconfirmed') AND NOT (m.repeated AND m.sentAt IS NULL))

-- name: put_back
-- What was answered goes again as another request; but not what is yet to be made, as one before may still make it. Of an
-- item that is gone nothing is under way: what was tried of it made nothing, and the next one is told all.
UPDATE outbox AS o SET state = m.state, claim = NULL, leaseUntil = NULL, attempts = m.attempts, dueAt = m.dueAt,
    reason = m.reason, refused = NULL, tried = tried OR m.sentAt IS NOT NULL OR m.attempts > o.attempts,
    queuedAt = CASE WHEN m.requeued THEN $now ELSE o.queuedAt END,
    refusals = coalesce(refusals, 0) + CASE WHEN m.sentAt IS NOT NULL
        AND (m.outcome IN ('rejected', 'waiting') OR (m.outcome = 'retry' AND m.there)) THEN 1 ELSE 0 END,
    triedSequence = CASE WHEN m.outcome = 'unknown' THEN m.sequence WHEN m.unbind AND m.there THEN NULL
                         WHEN m.outcome = 'retry' OR m.sentAt IS NULL THEN o.triedSequence END,
    triedDesired = CASE WHEN m.outcome = 'unknown' THEN coalesce(o.triedDesired, o.desired) WHEN m.unbind AND m.there THEN NULL
                        WHEN m.outcome = 'retry' OR m.sentAt IS NULL THEN o.triedDesired END
FROM mine AS m
WHERE o.push = $push AND o.key = m.key AND o.state = 'claimed' AND m.state IS NOT NULL
    AND (o.sequence = m.sequence OR m.state IN ('due', 'unconfirmed') OR (m.repeated AND m.sentAt IS NULL))

-- name: receipts
INSERT INTO receipts (push, key, sequence, claim, attempt, outcome, reason, sent, answer, sentAt, answeredAt)
SELECT $push, key, sequence, claim, attempts, outcome, reason, sent, answer, sentAt, $now FROM settled

-- name: unbind
-- What a claim that ran out knew of a key's item, another one may know better by now.
DELETE FROM bindings AS b USING settled AS s JOIN outbox AS o ON o.push = $push AND o.key = s.key AND o.claim = s.claim
WHERE b.connection = $to AND b.entity = $bound_as AND b.key = s.boundKey AND (s.unbind OR s.externalId IS NOT NULL)

-- name: unlearn
-- An id that is learned under one key is no longer another's.
DELETE FROM bindings AS b USING settled AS s
WHERE b.connection = $to AND b.entity = $bound_as AND b.id = json_extract_string(s.externalId, '$.id')

-- name: bind
INSERT INTO bindings (connection, entity, key, id, externalId, live, seenAt)
SELECT DISTINCT $to, $bound_as, boundKey, json_extract_string(externalId, '$.id'), externalId, true, $now
FROM settled WHERE externalId IS NOT NULL
