-- name: last_pull
SELECT max(startedAt) FROM pulls WHERE connection = $connection AND name = $name

-- name: quarantined
SELECT count(*) FROM quarantine WHERE connection = $connection AND name = $name

-- name: held
SELECT count(*) FROM held_changes JOIN audits USING (audit)
WHERE connection = $connection AND name = $name AND state = 'held'

-- name: held_by_push
SELECT coalesce(sum(changes), 0) FROM holds WHERE push = $push AND state = 'held'

-- name: failed
SELECT scope, reason, failedAt FROM failed_pulls WHERE connection = $connection AND name = $name ORDER BY scope

-- name: bad
-- What is not used of a pull.
SELECT connection || '/' || name AS pull, scope, key, externalId AS id, reasons FROM quarantine
WHERE connection = $connection AND name = $name ORDER BY scope, key, page, row
