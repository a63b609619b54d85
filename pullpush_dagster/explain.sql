-- name: pulled
SELECT _partition AS "partition", {fields}, _cleared AS emptied, _askedAt AS askedAt, _externalId AS id
FROM {canonical} WHERE _connection = $connection AND _name = $name AND {key_is}

-- name: quarantined
SELECT scope, key, externalId AS id, reasons, pull FROM quarantine
WHERE connection = $connection AND name = $name AND contains(key, $key)

-- name: accepted_state
SELECT _scope AS scope, {fields}, _unknown AS unknownNow, _deleted AS deleted, _absent AS absentPulls, _askedAt AS askedAt
FROM {baseline} WHERE _connection = $connection AND _name = $name AND {key_is}

-- name: held
SELECT op, h.key, h.after, a.reasons FROM held_changes AS h JOIN audits AS a USING (audit)
WHERE connection = $connection AND name = $name AND state = 'held' AND contains(h.key, $key)

-- name: changed
SELECT sequence, op, key, fields, before, after, acceptedAt FROM changes
WHERE connection = $connection AND name = $name AND contains(key, $key) ORDER BY sequence DESC LIMIT 5

-- name: to_be_sent
SELECT key, state, desired, attempts, dueAt, reason FROM outbox WHERE push = $push AND contains(key, $key)

-- name: behind
SELECT key, sequence, desired, queuedAt FROM behind WHERE push = $push AND contains(key, $key) ORDER BY sequence LIMIT 5

-- name: sent
SELECT key, outcome, reason, sent, answer, coalesce(sentAt, answeredAt) AS "at" FROM receipts
WHERE push = $push AND contains(key, $key) ORDER BY answeredAt DESC LIMIT 5

-- name: destination_has
SELECT key, fields, acceptedAt FROM accepted WHERE connection = $to AND entity = $entity AND contains(key, $key)

-- name: drifted
SELECT key, coalesce(field, 'gone there') AS field, accepted, there, startedAt AS readAt
FROM drift JOIN readbacks USING (push) WHERE push = $push AND contains(key, $key)
