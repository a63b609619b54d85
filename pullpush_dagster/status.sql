-- name: last_pull
-- When the scope that was not asked for the longest was last asked for; null: one of them never was. A backfill asks for
-- no more than what was.
SELECT CASE WHEN count(newest) = count(*) THEN min(newest) END FROM (
    SELECT max(startedAt) FILTER (kind <> 'window') AS newest FROM (SELECT unnest(CAST($own AS VARCHAR[])) AS scope) AS own
    LEFT JOIN (FROM pulls WHERE connection = $connection AND name = $name) AS pulls USING (scope) GROUP BY scope
)

-- name: held
SELECT count(*) FROM held_changes JOIN audits USING (audit)
WHERE connection = $connection AND name = $name AND list_contains($scopes, scope) AND state = 'held'

-- name: held_by_push
SELECT coalesce(sum(changes), 0) FROM holds
WHERE push = $push AND list_contains($logs, connection || '/' || name) AND state = 'held'

-- name: failed
SELECT scope, reason, failedAt, kind FROM failed_pulls
WHERE connection = $connection AND name = $name AND list_contains($scopes, scope) ORDER BY scope

-- name: push_failed
SELECT reason, failedAt FROM failed_pushes WHERE push = $push

-- name: put_back
-- Keys that were tried in vain and are to be sent still, how many of these may be there, and the reason that most of them
-- have, with its number of keys; no row: there are none.
SELECT sum(keys) OVER (), sum(unanswered) OVER (), reason, keys FROM (
    SELECT reason, count(*) AS keys, count(triedSequence) AS unanswered, max(dueAt) AS newest FROM outbox
    WHERE push = $push AND state = 'due' AND reason IS NOT NULL GROUP BY reason
) ORDER BY keys DESC, newest DESC, reason LIMIT 1

-- name: not_whole
-- Since when one that follows a stamp was not asked for whole; no row: that is not so long ago.
SELECT since FROM (
    SELECT coalesce(max(startedAt) FILTER (kind = 'full'), min(startedAt)) AS since FROM pulls
    WHERE connection = $connection AND name = $name HAVING count(*) FILTER (kind = 'sync') > 0
) WHERE since < $before

-- name: bad
-- What is not used of a pull.
SELECT connection || '/' || name AS pull, scope, key, externalId AS id, reasons FROM quarantine
WHERE connection = $connection AND name = $name AND list_contains($scopes, scope) ORDER BY scope, key, page, row

-- name: unread
-- Keys of which a push has yet to read a change, beside those that it is to send anyway; not where a guard holds them.
-- One that never began has all of the log before it.
SELECT count(DISTINCT key) FROM (
    SELECT CAST(to_json({{{destination_key}}}) AS VARCHAR) AS key FROM (
        SELECT c.key AS sourceKey, coalesce(c.after, '{{}}') AS after FROM changes AS c
        LEFT JOIN positions AS p ON p.push = $push AND p.connection = c.connection AND p.name = c.name
        WHERE c.connection = $connection AND c.name = $name AND c.sequence > coalesce(p.position, 0) AND p.held IS NULL
    ) WHERE {only}
) WHERE key NOT IN (SELECT key FROM outbox WHERE push = $push AND state IN ('due', 'claimed'))
