-- name: last
-- How far the last accepted audit of this scope read, and when its last accepted full pull began.
SELECT coalesce(max(throughFrame), 0), max(fullStartedAt) FROM audits
WHERE connection = $connection AND name = $name AND scope = $scope AND state = 'accepted'

-- name: newest_frame
SELECT coalesce(max(frame), 0) FROM pulls WHERE connection = $connection AND name = $name AND scope = $scope

-- name: newest_full
SELECT pull, startedAt, deletesOff FROM pulls
WHERE connection = $connection AND name = $name AND scope = $scope AND kind = 'full' AND frame > $through
ORDER BY pull DESC LIMIT 1

-- name: snapshot
-- Newest rows since the last accepted audit. One asked for before the baseline's own is stale; so is one with an
-- older stamp soon after it, as a replica that lags behind gives. Later on, an older stamp is a restored backup.
CREATE TEMP TABLE snapshot AS
SELECT s.* FROM {canonical} AS s
LEFT JOIN {baseline} AS b ON b._connection = $connection AND b._name = $name AND {same_key}
WHERE s._connection = $connection AND s._name = $name AND ($scope = '' OR s._partition = $scope)
    AND s._frame > $through
    AND (b._askedAt IS NULL OR s._askedAt >= greatest(b._askedAt, coalesce($full_started, b._askedAt)))
    AND NOT coalesce({older} AND s._askedAt < b._askedAt + INTERVAL 10 MINUTE, false)

-- name: known
CREATE TEMP TABLE known AS
SELECT b.* FROM {baseline} AS b
WHERE b._connection = $connection AND b._name = $name AND b._scope = $scope AND NOT b._deleted
    AND CAST(to_json({{{key_fields}}}) AS VARCHAR) NOT IN (
        SELECT key FROM quarantine WHERE connection = $connection AND name = $name AND scope = $scope AND key IS NOT NULL
    )

-- name: found
CREATE TEMP TABLE found AS
SELECT *, CAST(to_json({{{own_key_fields}}}) AS VARCHAR) AS rowkey FROM ({diff})

-- name: returned
-- Unchanged rows that must be marked as asked for: all that a walk gave, if it is not full (it speaks
-- only for those); in a full pull, those that had been absent.
INSERT INTO found BY NAME
SELECT {b_columns}, b._cleared, b._unknown, s._askedAt, CAST(to_json({{{b_key_fields}}}) AS VARCHAR) AS rowkey
FROM snapshot AS s JOIN known AS b ON {same_key}
WHERE (NOT $full OR b._absent > 0)
    AND CAST(to_json({{{b_key_fields}}}) AS VARCHAR) NOT IN (SELECT rowkey FROM found)

-- name: not_absent
-- An absence counts once per pull, and not where the key was read after this pull began.
DELETE FROM found USING known AS b
WHERE {same_key_found} AND found.op = 'absent' AND (
    b._askedAt >= $started OR b._absentPull = $pull OR $deletes_off OR coalesce($full_started > $started, false)
)

-- name: not_lagging
-- A record that was there, and is stale, was not absent.
DELETE FROM found USING {canonical} AS b
WHERE b._connection = $connection AND b._name = $name AND ($scope = '' OR b._partition = $scope)
    AND b._frame > $through AND {same_key_found} AND found.op = 'absent'

-- name: gone
-- Absent from two complete full pulls in a row is a delete; the first time is only noted.
UPDATE found SET op = CASE WHEN b._absent >= 1 THEN 'delete' END
FROM known AS b WHERE {same_key_found} AND found.op = 'absent'

-- name: counts
SELECT (SELECT count(*) FROM known), count(*) FILTER (op = 'insert'), count(*) FILTER (op = 'update'),
       count(*) FILTER (op = 'delete'), count(*) FILTER (zeroed AND op = 'update'),
       count(*) FILTER (jumped AND op = 'update')
FROM found

-- name: missing
-- Known keys of which there is no row any more. New keys make up for none of them: where all were renamed, all are missing.
-- An absence from this very pull that is known already was let through.
SELECT count(*) FROM found JOIN known AS b ON {same_key_found}
WHERE found.op = 'absent' AND b._absentPull IS DISTINCT FROM $pull AND NOT EXISTS (
    FROM {canonical} AS s
    WHERE s._connection = $connection AND s._name = $name AND ($scope = '' OR s._partition = $scope) AND {same_key}
)

-- name: hash
-- First absences are part of what is named: they are all that a pull which lacks half of its keys would do.
SELECT printf('%016x', xor(hash($connection, $name, $scope),
                           coalesce(bit_xor(hash(coalesce(op, 'absent'), rowkey, before, after, cleared)), 0)))
FROM found WHERE op IS NOT NULL OR _askedAt IS NULL

-- name: changes
INSERT INTO changes (connection, name, sequence, audit, op, key, fields, before, after, cleared, askedAt, acceptedAt)
SELECT $connection, $name, $first - 1 + row_number() OVER (ORDER BY rowkey), $audit, op, rowkey,
       CASE WHEN op = 'delete' THEN [] ELSE fields END, before, CASE WHEN op = 'delete' THEN NULL ELSE after END,
       cleared, coalesce(_askedAt, $started), $now
FROM found WHERE op IS NOT NULL

-- name: hold
INSERT INTO held_changes (audit, op, key, fields, before, after, cleared, askedAt)
SELECT $audit, coalesce(op, 'absent'), rowkey, fields, before, after, cleared, _askedAt
FROM found WHERE op IS NOT NULL OR _askedAt IS NULL

-- name: forget
DELETE FROM {baseline} AS b USING found
WHERE b._connection = $connection AND b._name = $name AND {same_key_found}

-- name: advance
INSERT INTO {baseline} (_connection, _name, _scope, _askedAt, _deleted, _absent, _absentPull, _unknown, {columns}, _cleared)
SELECT $connection, $name, $scope, coalesce(_askedAt, $started), coalesce(op = 'delete', false),
       CASE WHEN _askedAt IS NULL THEN 1 ELSE 0 END, CASE WHEN _askedAt IS NULL THEN $pull END, _unknown,
       {columns}, _cleared
FROM found

-- name: seen
-- A record that was there but could not be read was not absent.
UPDATE {baseline} SET _absent = 0 WHERE _connection = $connection AND _name = $name AND _absent > 0
    AND CAST(to_json({{{own_key_fields}}}) AS VARCHAR) IN (
        SELECT key FROM quarantine WHERE connection = $connection AND name = $name AND key IS NOT NULL
    )

-- name: audited
INSERT INTO audits (audit, connection, name, scope, throughFrame, fullStartedAt, state, hash, counts, reasons, auditedAt)
VALUES ($audit, $connection, $name, $scope, $through, $full_started, $state, $hash, $counts, $reasons, $now)

-- name: replace
-- The set stays as it was stored, so that what a person has looked at can still be approved.
UPDATE audits SET state = 'replaced'
WHERE connection = $connection AND name = $name AND scope = $scope AND state = 'held'

-- name: is_held
SELECT audit FROM audits
WHERE connection = $connection AND name = $name AND scope = $scope AND state = 'held' AND hash = $hash

-- name: held_on
-- The newest held set, where no full pull came after it.
SELECT hash, throughFrame FROM audits AS h
WHERE connection = $connection AND name = $name AND scope = $scope AND state = 'held' AND NOT EXISTS (
    FROM pulls WHERE connection = $connection AND name = $name AND scope = $scope AND kind = 'full'
        AND frame > h.throughFrame
)
ORDER BY audit DESC LIMIT 1

-- name: unread
-- Changes that no pull has read again since. That others of their set were, and are well, makes these few, but no better.
SELECT count(*) FROM found
JOIN {canonical} AS b ON {same_key_found} AND b._connection = $connection AND b._name = $name
    AND ($scope = '' OR b._partition = $scope)
WHERE found.op IS NOT NULL AND b._frame <= $held_through

-- name: withdraw
UPDATE audits SET state = 'withdrawn'
WHERE connection = $connection AND name = $name AND scope = $scope AND state IN ('held', 'replaced')

-- name: only_held
-- A key that has moved on since it was held is none that anybody has looked at.
DELETE FROM found WHERE (op IS NULL AND _askedAt IS NOT NULL)
    OR (coalesce(op, 'absent'), rowkey, coalesce(after, ''), coalesce(cleared, [])) NOT IN (
        SELECT (op, key, coalesce(after, ''), coalesce(cleared, [])) FROM held_changes WHERE audit = $held
    )

-- name: absent
SELECT count(*) FROM found WHERE op IS NULL

-- name: held_keys
SELECT key FROM held_changes WHERE audit = $held ORDER BY key

-- name: left_out
SELECT key FROM held_changes WHERE audit = $held AND key NOT IN (SELECT rowkey FROM found) ORDER BY key

-- name: approved
UPDATE audits SET state = 'approved' WHERE audit = $held

-- name: drop
DROP TABLE snapshot; DROP TABLE known; DROP TABLE found
