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
-- Newest rows since the last accepted audit.
SELECT {columns}, _cleared, _askedAt FROM {canonical}
WHERE _connection = $connection AND _name = $name AND ($scope = '' OR _partition = $scope) AND _frame > $through

-- name: baseline
SELECT {columns}, _cleared, _unknown, _askedAt, rowid, _deleted, _scope <> $scope AS _moved
FROM {baseline} WHERE _connection = $connection AND _name = $name

-- name: stale
-- Asked for before the baseline's own row, or before the last accepted full pull of it; and what has an older stamp
-- soon after it, as a replica that lags behind gives. Later on, an older stamp is a restored backup.
s._askedAt < b._askedAt OR (b._askedAt IS NOT NULL AND s._askedAt < $full_started)
    OR ({older} AND s._askedAt < b._askedAt + INTERVAL 10 MINUTE)

-- name: marked
-- What must be marked as asked for, though unchanged: all that a walk gave, if it is not full (it speaks only for
-- those).
NOT $full

-- name: elsewhere
-- A pull that is not cut up speaks for what was known by scope, too.
$scope <> '' AND b._moved

-- name: found
CREATE TEMP TABLE found AS
SELECT *, CAST(to_json({{{key_fields}}}) AS VARCHAR) AS rowkey FROM ({diff})

-- name: not_quarantined
-- Of a key that is set aside, nothing tells whether it is there.
DELETE FROM found USING quarantine AS q
WHERE q.connection = $connection AND q.name = $name AND q.scope = $scope AND q.key = found.rowkey AND found.op = 'absent'

-- name: lacks
SELECT 1 FROM found WHERE op = 'absent' LIMIT 1

-- name: not_absent
-- An absence counts once per pull, and not where the key was read after this pull began.
DELETE FROM found USING {baseline} AS b
WHERE b.rowid = found._place AND found.op = 'absent' AND (
    b._askedAt >= $started OR $deletes_off OR coalesce($full_started > $started, false)
)

-- name: not_read_since
-- A key that another pull read after this one began is not absent, whatever this one gave.
DELETE FROM found USING {canonical} AS b
WHERE found.op = 'absent' AND {same_key_found} AND b._connection = $connection AND b._name = $name
    AND ($scope = '' OR b._partition = $scope) AND b._askedAt >= $started

-- name: gone
-- Absent from two complete full pulls in a row is a delete; the first time is only noted.
UPDATE found SET op = CASE WHEN b._absent >= 1 THEN 'delete' END
FROM {baseline} AS b WHERE b.rowid = found._place AND found.op = 'absent'

-- name: counts
-- Known are the keys of the scope, and those that it takes over from another.
SELECT (
    SELECT count(*) FROM {baseline}
    WHERE _connection = $connection AND _name = $name AND ($scope = '' OR _scope = $scope) AND NOT _deleted
) + (
    SELECT count(*) FROM {baseline}
    WHERE _connection = $connection AND _name = $name AND $scope <> '' AND _scope <> $scope AND NOT _deleted
        AND rowid IN (SELECT _place FROM found WHERE _place IS NOT NULL)
) - (
    SELECT count(*) FROM {baseline} AS b JOIN (
        SELECT DISTINCT key FROM quarantine WHERE connection = $connection AND name = $name AND scope = $scope
    ) AS q ON {same_key_quarantined}
    WHERE b._connection = $connection AND b._name = $name AND ($scope = '' OR b._scope = $scope) AND NOT b._deleted
), count(*) FILTER (op = 'insert'), count(*) FILTER (op = 'update'),
       count(*) FILTER (op = 'delete'), count(*) FILTER (zeroed AND op = 'update'),
       count(*) FILTER (jumped AND op = 'update')
FROM found

-- name: missing
-- Known keys of which there is no row any more. New keys make up for none of them: where all were renamed, all are missing.
-- An absence from this very pull that is known already was let through.
SELECT count(*) FROM found
JOIN {baseline} AS b ON b.rowid = found._place
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
DELETE FROM {baseline} WHERE rowid IN (SELECT _place FROM found WHERE _place IS NOT NULL)

-- name: advance
INSERT INTO {baseline} (_connection, _name, _scope, _askedAt, _deleted, _absent, _absentPull, _unknown, {columns}, _cleared)
SELECT $connection, $name, $scope, coalesce(_askedAt, $started), coalesce(op = 'delete', false),
       CASE WHEN _askedAt IS NULL THEN 1 ELSE 0 END, CASE WHEN _askedAt IS NULL THEN $pull END, _unknown,
       {columns}, _cleared
FROM found

-- name: noted_absent
-- Few: to look them up among all that was pulled takes a hundredth of the time of the other way round.
CREATE TEMP TABLE noted_absent AS
SELECT rowid AS place, {key} FROM {baseline}
WHERE _connection = $connection AND _name = $name AND _absent > 0 AND NOT _deleted

-- name: seen
-- A record that was there but could not be read, or was an old one, was not absent.
UPDATE {baseline} SET _absent = 0 WHERE rowid IN (
    SELECT place FROM noted_absent WHERE CAST(to_json({{{key_fields}}}) AS VARCHAR) IN (
        SELECT key FROM quarantine
        WHERE connection = $connection AND name = $name AND scope = $scope AND key IS NOT NULL
    )
    UNION ALL
    SELECT s.place FROM noted_absent AS s JOIN {canonical} AS b ON {same_key}
    WHERE b._connection = $connection AND b._name = $name AND ($scope = '' OR b._partition = $scope) AND b._frame > $through
)

-- name: audited
INSERT INTO audits (audit, connection, name, scope, throughFrame, fullStartedAt, state, hash, counts, reasons, auditedAt)
VALUES ($audit, $connection, $name, $scope, $through, $full_started, $state, $hash, $counts, $reasons, $now)

-- name: replace
-- The set stays as it was stored, so that what a person has looked at can still be approved.
UPDATE audits SET state = 'replaced'
WHERE connection = $connection AND name = $name AND scope = $scope AND state = 'held'

-- name: held_again
-- The same set as before, of which a later pull has told again.
UPDATE audits SET throughFrame = $newest
WHERE connection = $connection AND name = $name AND scope = $scope AND state = 'held' AND hash = $hash

-- name: held_on
-- The newest held set, where no full pull came after it that speaks for all its scope.
SELECT hash, throughFrame FROM audits AS h
WHERE connection = $connection AND name = $name AND scope = $scope AND state = 'held' AND NOT EXISTS (
    FROM pulls WHERE connection = $connection AND name = $name AND scope = $scope AND kind = 'full'
        AND frame > h.throughFrame AND deletesOff IS NULL
)
ORDER BY audit DESC LIMIT 1

-- name: unread
-- Changes that no pull has read again since, and keys that are missing: only a full pull tells that. That others of their
-- set were read, and are well, makes these few, but no better.
SELECT count(*) FROM found
LEFT JOIN {canonical} AS b ON {same_key_found} AND b._connection = $connection AND b._name = $name
    AND ($scope = '' OR b._partition = $scope)
WHERE (found.op IS NOT NULL AND b._frame <= $held_through) OR found._askedAt IS NULL

-- name: withdraw
UPDATE audits SET state = 'withdrawn'
WHERE connection = $connection AND name = $name AND scope = $scope AND state IN ('held', 'replaced')

-- name: only_held
-- A key that has moved on since it was held is none that anybody has looked at.
DELETE FROM found WHERE (op IS NOT NULL OR _askedAt IS NULL)
    AND (coalesce(op, 'absent'), rowkey, coalesce(after, ''), coalesce(cleared, [])) NOT IN (
        SELECT (op, key, coalesce(after, ''), coalesce(cleared, [])) FROM held_changes WHERE audit = $held
    )

-- name: only_changes
-- What is no more than unknown by now is noted by the next audit, which looks at all of it again.
DELETE FROM found WHERE op IS NULL AND _askedAt IS NOT NULL

-- name: absent
SELECT count(*) FROM found WHERE op IS NULL AND _askedAt IS NULL

-- name: told_by
-- How far the pulls read that told of a held set.
SELECT throughFrame FROM audits WHERE audit = $held

-- name: held_keys
SELECT key FROM held_changes WHERE audit = $held ORDER BY key

-- name: left_out
SELECT key FROM held_changes WHERE audit = $held AND key NOT IN (
    SELECT rowkey FROM found WHERE op IS NOT NULL OR _askedAt IS NULL
) ORDER BY key

-- name: approved
UPDATE audits SET state = 'approved' WHERE audit = $held

-- name: drop
DROP TABLE found; DROP TABLE IF EXISTS noted_absent
