-- name: last_pull
SELECT max(startedAt) FROM pulls WHERE connection = $connection AND name = $name

-- name: quarantined
SELECT count(*) FROM quarantine WHERE connection = $connection AND name = $name

-- name: held
SELECT count(*) FROM held_changes JOIN audits USING (audit)
WHERE connection = $connection AND name = $name AND state = 'held'
