-- name: pulled
SELECT _partition AS "partition", {fields}, _cleared AS emptied, _askedAt AS askedAt, _externalId AS id,
    CASE WHEN _frame > (
        SELECT coalesce(max(throughFrame), 0) FROM audits
        WHERE connection = $connection AND name = $name AND scope IN ('', s._partition) AND state = 'accepted'
    ) AND EXISTS (
        FROM {baseline} AS b
        WHERE b._connection = $connection AND b._name = $name AND NOT b._deleted AND {same_key} AND ({moved})
    ) THEN true END AS notCompared
FROM {canonical} AS s WHERE _connection = $connection AND _name = $name AND {key_is}

-- name: failed
SELECT $connection || '/' || $name AS pull, nullif(scope, '') AS scope, reason, failedAt FROM failed_pulls AS f
WHERE connection = $connection AND name = $name AND list_contains($scopes, scope) AND (coalesce(came, false) OR NOT EXISTS (
    -- One of another kind, which tells of the source as well.
    FROM pulls AS p WHERE p.connection = $connection AND p.name = $name AND p.scope = f.scope AND p.kind <> 'window'
        AND p.startedAt > f.failedAt
))
ORDER BY scope, failedAt

-- name: push_failed
SELECT reason, failedAt FROM failed_pushes WHERE push = $push

-- name: quarantined
SELECT scope, key, externalId AS id, reasons, pull FROM quarantine
WHERE connection = $connection AND name = $name AND contains(key, $key)

-- name: accepted_state
SELECT _scope AS scope, {fields}, _unknown AS unknownNow, _deleted AS deleted, _absent AS absentPulls, _askedAt AS askedAt,
    CASE WHEN list_max($scopes) <> '' AND NOT list_contains($scopes, _scope) THEN true END AS notPulledNow
FROM {baseline} WHERE _connection = $connection AND _name = $name AND {key_is}

-- name: held
SELECT 'pull' AS guard, a.hash, h.op, h.key, h.after, a.reasons, a.auditedAt AS since
FROM held_changes AS h JOIN audits AS a USING (audit)
WHERE connection = $connection AND name = $name AND state = 'held' AND contains(h.key, $key)
UNION ALL BY NAME
SELECT 'push' AS guard, h.hash, c.op, c.key, c.after, h.reasons, h.heldAt AS since
FROM holds AS h JOIN changes AS c ON c.connection = h.connection AND c.name = h.name
    AND c.sequence > h.position AND c.sequence <= h.through AND contains(c.key, $key)
WHERE h.push = $push AND h.connection = $connection AND h.name = $name AND h.state = 'held'
UNION ALL BY NAME
SELECT 'push' AS guard, hash, 'again' AS op, key, reasons, heldAt AS since FROM (
    SELECT *, substr(unnest(again), length($connection || '/' || $name || ' ') + 1) AS key FROM holds
    WHERE push = $push AND connection = $connection AND name = $name AND state = 'held'
)
WHERE contains(key, $key)

-- name: changed
-- Many changes of others do not push out the last one of a key.
SELECT sequence, op, key, fields, before, after, acceptedAt FROM changes
WHERE connection = $connection AND name = $name AND contains(key, $key)
QUALIFY row_number() OVER (ORDER BY sequence DESC) <= 5 OR row_number() OVER (PARTITION BY key ORDER BY sequence DESC) = 1
ORDER BY sequence DESC

-- name: to_be_sent
SELECT key, state, desired, attempts, dueAt, leaseUntil AS claimedUntil, reason FROM outbox WHERE push = $push AND {of_key}

-- name: again
-- Source keys of which the destination has something else by now, though nothing is to be sent: since when, null if what
-- the source last said is good enough.
SELECT key, split_part(s.source, ' ', 1) AS "from", nullif(affectedAt, $at_once) AS since
FROM affected AS a, (
    SELECT source, substr(source, strpos(source, ' ') + 1) AS key
    FROM (SELECT unnest(CAST($sources AS VARCHAR[])) AS source)
) AS s
WHERE push = $push AND value = json_extract_string(key, '$.' || field)
    AND coalesce(a.source, s.source) = s.source AND NOT list_contains(coalesce(sentAgain, []), s.source)

-- name: behind
SELECT key, sequence, desired, queuedAt, count(*) OVER (PARTITION BY key) AS inAll
FROM behind WHERE push = $push AND {of_key}
QUALIFY row_number() OVER (PARTITION BY key ORDER BY sequence) <= 5 ORDER BY sequence

-- name: sent
-- Many failures do not push out the last of each key that was taken. Those of one transaction have one time.
SELECT key, outcome, reason, sent, answer, coalesce(sentAt, answeredAt) AS "at" FROM (
    SELECT *, row(answeredAt, sequence, attempt) AS place FROM receipts WHERE push = $push AND {of_key}
)
QUALIFY row_number() OVER (ORDER BY place DESC) <= 5
    OR (outcome = 'accepted' AND row_number() OVER (PARTITION BY key, outcome ORDER BY place DESC) = 1)
ORDER BY place DESC

-- name: destination_has
-- When that was noted: what a request is under way for is forgotten as it leaves.
SELECT key, fields, acceptedAt AS notedAt FROM accepted
WHERE connection = $to AND entity = $entity AND {of_key}

-- name: drifted
SELECT key, coalesce(field, 'gone there') AS field, accepted, there, startedAt AS readAt
FROM drift JOIN readbacks USING (push) WHERE push = $push AND {of_key}

-- name: ways
-- Every key of the source that is known by this text, and what it is at the destination; ``concerns``: whether ``only``
-- lets it through, null where that cannot be told.
WITH known AS (SELECT sourceKey, after FROM ({state})), named AS (
    SELECT key AS sourceKey FROM quarantine WHERE connection = $connection AND name = $name AND contains(key, $key)
    UNION
    SELECT key FROM changes WHERE connection = $connection AND name = $name AND contains(key, $key)
    UNION
    SELECT h.key FROM held_changes AS h JOIN audits AS a USING (audit)
    WHERE connection = $connection AND name = $name AND state = 'held' AND contains(h.key, $key)
    UNION
    SELECT CAST(to_json({{{key_fields}}}) AS VARCHAR) FROM {canonical}
    WHERE _connection = $connection AND _name = $name AND {key_is}
)
SELECT sourceKey, CAST(to_json({{{destination_key}}}) AS VARCHAR) AS key, ({only}) AS concerns FROM (
    FROM known UNION ALL SELECT sourceKey, '{{}}' AS after FROM named WHERE sourceKey NOT IN (SELECT sourceKey FROM known)
)
ORDER BY concerns IS NOT DISTINCT FROM false, sourceKey

-- name: reading
-- When the newest complete pull began, and how far this push has read the log of it; null: never.
SELECT (SELECT max(startedAt) FROM pulls WHERE connection = $connection AND name = $name),
       (SELECT max(position) FROM positions WHERE push = $push AND connection = $connection AND name = $name)

-- name: alike
-- The same but for the case of letters.
SELECT DISTINCT key FROM (
    SELECT unnest([{key_texts}]) AS key FROM {baseline} WHERE _connection = $connection AND _name = $name
)
WHERE lower(key) = lower($own) AND key <> $own LIMIT 3
