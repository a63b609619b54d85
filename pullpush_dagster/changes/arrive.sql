-- name: overlay
-- Two objects laid over each other, field by field: a nested object is one value, so none of it is left behind.
CREATE OR REPLACE TEMP MACRO overlaid(below, above) AS CAST(to_json(map_concat(
    CAST(CAST(below AS JSON) AS MAP(VARCHAR, JSON)), CAST(CAST(above AS JSON) AS MAP(VARCHAR, JSON))
)) AS VARCHAR)

-- name: position
SELECT position FROM positions WHERE push = $push AND connection = $connection AND name = $name

-- name: old_rules
SELECT 1 FROM positions WHERE push = $push AND rules IS DISTINCT FROM $rules LIMIT 1

-- name: under_way
SELECT 1 FROM outbox WHERE push = $push AND state = 'claimed' LIMIT 1

-- name: new_rules
UPDATE positions SET rules = $rules WHERE push = $push

-- name: strays
-- What is queued by other rules, and is not this push's business by those it has (way: null), or another key. Each change
-- by itself, as of several of a key some may be left out and others not.
CREATE OR REPLACE TEMP TABLE strays AS
FROM (
    SELECT key, source, sequence, head, sourceKey,
        CASE WHEN pull = $connection || '/' || $name AND ({only}) IS DISTINCT FROM false
        THEN CAST(to_json({{{destination_key}}}) AS VARCHAR) END AS way
    FROM (
        SELECT *, split_part(source, ' ', 1) AS pull, substr(source, strpos(source, ' ') + 1) AS sourceKey FROM (
            SELECT key, source, sequence, desired AS after, true AS head FROM outbox
            WHERE push = $push AND state IN ('due', 'waiting')
            UNION ALL
            SELECT key, source, sequence, desired, false FROM behind WHERE push = $push
        )
    )
    WHERE pull = $connection || '/' || $name OR NOT list_contains($from, pull)
)
WHERE way IS DISTINCT FROM key

-- name: stray_receipts
INSERT INTO receipts (push, key, sequence, attempt, outcome, reason, answeredAt)
SELECT $push, key, sequence, 0, 'skipped', 'the sync leaves it out by now', $now FROM strays WHERE way IS NULL

-- name: close_strays
DELETE FROM outbox AS o USING strays AS s WHERE o.push = $push AND o.key = s.key AND s.head AND s.way IS NULL

-- name: close_strays_behind
DELETE FROM behind AS b USING strays AS s
WHERE b.push = $push AND b.key = s.key AND b.source = s.source AND b.sequence = s.sequence AND NOT s.head AND s.way IS NULL

-- name: move_strays
INSERT INTO affected (push, field, value, affectedAt, source)
SELECT DISTINCT $push, $part, json_extract_string(sourceKey, '$.' || $part), $at_once, source FROM strays
WHERE head AND way IS NOT NULL

-- name: move_strays_behind
-- Not what stands behind a letter, and goes with its replay.
UPDATE behind AS b SET key = s.way FROM strays AS s
WHERE b.push = $push AND b.key = s.key AND b.source = s.source AND b.sequence = s.sequence AND NOT s.head AND s.way IS NOT NULL
    AND b.key NOT IN (SELECT key FROM outbox WHERE push = $push AND state NOT IN ('due', 'waiting'))

-- name: leave_strays
-- They go with their new version. What may be there under the old key, as its making had no answer, is not forgotten.
UPDATE outbox AS o SET state = 'dead', reason = 'it is another key by now', tried = o.triedSequence IS NOT NULL
FROM strays AS s WHERE o.push = $push AND o.key = s.key AND s.head AND s.way IS NOT NULL

-- name: newest
-- By the numbers given out: to look through all the log takes ever longer.
SELECT coalesce(max(value), 0) FROM counters WHERE name = 'sequence ' || $connection || '/' || $name

-- name: from_log
CREATE TEMP TABLE arriving AS
SELECT key AS sourceKey, sequence, op, coalesce(after, '{{}}') AS after,
       coalesce(cleared, CAST([] AS VARCHAR[])) AS cleared, before
FROM changes WHERE connection = $connection AND name = $name AND sequence > $position AND sequence <= $newest

-- name: hash
-- Of the log's own rows, of how they are routed, and of what is sent again with them: what names a change set must not
-- change by itself.
SELECT printf('%016x', xor(xor(hash($push, $connection, $name, $routing),
                               coalesce(bit_xor(hash(sourceKey, sequence, op, after, cleared)), 0)),
                           CASE WHEN $again = '' THEN 0 ELSE hash($again) END))
FROM arriving

-- name: state
-- The accepted state, as changes have it. What is unknown by now is not part of it.
SELECT *, CAST(to_json({{{key_fields}}}) AS VARCHAR) AS sourceKey,
       json_merge_patch(json_merge_patch('{{}}', to_json({{{encoded}}})),
                        to_json(map(lost, list_transform(lost, lambda x: CAST(NULL AS VARCHAR))))) AS after,
       list_filter(coalesce(_cleared, CAST([] AS VARCHAR[])), lambda name: NOT list_contains(lost, name)) AS cleared,
       greatest(_askedAt, (
           SELECT max(fullStartedAt) FROM audits
           WHERE connection = $connection AND name = $name AND scope = _scope AND state = 'accepted'
       )) AS askedAt
FROM (SELECT *, coalesce(list_transform(_unknown, lambda u: u.field), CAST([] AS VARCHAR[])) AS lost FROM {rows}
      WHERE _connection = $connection AND _name = $name AND NOT _deleted)

-- name: pulled
-- Whether it is of a scope that is still pulled; a pull that is not cut up has all of them. What is left of another is
-- never asked for again.
list_contains($scopes, '') OR list_contains($scopes, _scope)

-- name: from_baseline
-- A push that has never read this log starts from the accepted state.
CREATE TEMP TABLE arriving AS
SELECT sourceKey, $newest AS sequence, 'insert' AS op, after, cleared, CAST(NULL AS VARCHAR) AS before FROM ({state}) WHERE {pulled}

-- name: no_again
CREATE TEMP TABLE again (
    source VARCHAR, sourceKey VARCHAR, after VARCHAR, cleared VARCHAR[],
    field VARCHAR, value VARCHAR, affectedAt TIMESTAMPTZ, meant VARCHAR
)

-- name: awaited
-- Whether the destination changed a key by itself (of `k`: `source`, `sourceKey`), and the source was not asked since.
EXISTS (
    FROM affected AS f WHERE f.push = $push AND coalesce(f.source, k.source) = k.source
        AND f.value = json_extract_string(k.sourceKey, '$.' || f.field)
        AND NOT list_contains(coalesce(f.sentAgain, []), k.source)
)

-- name: affected_fields
SELECT DISTINCT field FROM affected WHERE push = $push

-- name: affected_rows
SELECT * FROM {baseline} WHERE {part} IN (SELECT value FROM affected WHERE push = $push AND field = $field)

-- name: again
-- What the destination changed by itself, and the source was asked for since. What it says nothing of waits: a full pull
-- counts as asking for every key, but gave nothing of one that was not there, or could not be read. ``meant``: where it
-- alone is.
INSERT INTO again (source, sourceKey, after, cleared, field, value, affectedAt, meant)
SELECT $connection || '/' || $name || ' ' || sourceKey, sourceKey, after, cleared, field, value, affectedAt, a.source
FROM ({state}) AS s
JOIN affected AS a ON a.push = $push AND a.field = $field AND a.value = s.{part} AND s.askedAt > a.affectedAt
WHERE (CAST(s.after AS VARCHAR) <> '{{}}' OR len(s.cleared) > 0) AND s._absent = 0 AND ({pulled}) AND NOT EXISTS (
        FROM quarantine AS q
        WHERE q.connection = $connection AND q.name = $name AND q.scope = s._scope AND q.key = s.sourceKey
    )
    AND coalesce(a.source = $connection || '/' || $name || ' ' || sourceKey, true)
    AND NOT list_contains(coalesce(a.sentAgain, []), $connection || '/' || $name || ' ' || sourceKey)

-- name: approved_again
-- Of what a person let through, without those that have moved on since: the log has them.
DELETE FROM again WHERE sourceKey IN (
        SELECT key FROM changes WHERE connection = $connection AND name = $name AND sequence > $newest
    ) OR NOT list_contains(CAST($sources AS VARCHAR[]), source)

-- name: again_sources
SELECT DISTINCT source FROM again ORDER BY source

-- name: approved_sources
SELECT unnest(again) FROM (FROM holds WHERE push = $push AND hash = $hash LIMIT 1)

-- name: send_again
INSERT INTO arriving (sourceKey, sequence, op, after, cleared)
SELECT DISTINCT ON (sourceKey) sourceKey, $newest, 'update', after, cleared FROM again

-- name: addressed
-- The changes that concern this push, under the destination's keys; false for cleared.
CREATE TEMP TABLE addressed AS
SELECT CAST(to_json({{{destination_key}}}) AS VARCHAR) AS key, $connection || '/' || $name || ' ' || sourceKey AS source,
       sequence, op, overlaid(after, to_json(map(cleared, list_transform(cleared, lambda x: false)))) AS desired,
       {untranslated} AS untranslated
FROM arriving WHERE {lets_in}

-- name: routed
-- One row per destination key: newest op, values folded oldest to newest.
CREATE TEMP TABLE routed AS
SELECT key, arg_max(source, sequence) AS source, count(DISTINCT source) AS sources, max(sequence) AS sequence,
       arg_max(op, sequence) AS op,
       list_reduce(list(desired ORDER BY sequence), lambda a, b: overlaid(a, b)) AS desired,
       arg_max(untranslated, sequence) AS untranslated
FROM addressed GROUP BY key

-- name: deletes
SELECT 1 FROM addressed WHERE op = 'delete' LIMIT 1

-- name: gone
-- Source keys that are no more; ``heir``: another one that means the same key here, and is.
CREATE TEMP TABLE gone AS
WITH last AS (SELECT key, source, arg_max(op, sequence) AS op FROM addressed GROUP BY key, source)
SELECT g.key, g.source, min(h.source) AS heir FROM last AS g LEFT JOIN last AS h ON h.key = g.key AND h.op <> 'delete'
WHERE g.op = 'delete' GROUP BY g.key, g.source

-- name: disown
-- What the destination has of them is no other source key's rival.
UPDATE accepted AS a SET source = NULL FROM gone AS g
WHERE a.connection = $to AND a.entity = $entity AND a.key = g.key AND a.source = g.source

-- name: no_rival
DELETE FROM rivals AS x USING gone AS g WHERE x.push = $push AND x.key = g.key AND x.source = g.source

-- name: leave
-- Which leaves its key to one that was refused beside it, in this push or another one: the next run routes that anew.
INSERT INTO affected (push, field, value, affectedAt, source)
SELECT DISTINCT x.push, $part, json_extract_string(substr(x.source, strpos(x.source, ' ') + 1), '$.' || $part), $at_once, x.source
FROM rivals AS x JOIN gone AS g ON g.key = x.key AND g.heir IS NULL
WHERE list_contains($senders, x.push) AND NOT EXISTS (
    FROM accepted AS a WHERE a.connection = $to AND a.entity = $entity AND a.key = x.key AND a.source <> x.source
)

-- name: inherit
UPDATE outbox AS o SET source = g.heir FROM gone AS g
WHERE o.push = $push AND o.key = g.key AND o.source = g.source AND g.heir IS NOT NULL

-- name: inherit_behind
UPDATE behind AS b SET source = g.heir FROM gone AS g
WHERE b.push = $push AND b.key = g.key AND b.source = g.source AND g.heir IS NOT NULL

-- name: moved
DELETE FROM addressed AS a USING gone AS g WHERE a.key = g.key AND a.source = g.source AND g.heir IS NOT NULL

-- name: outlived
-- A key that changed before it went: the destination still gets those last values, if it may have the key at all.
UPDATE routed SET op = 'update' FROM (
    SELECT key FROM outbox WHERE push = $push AND (state = 'claimed' OR tried IS DISTINCT FROM false)
        AND key IN (SELECT key FROM routed WHERE op = 'delete')
    UNION
    SELECT key FROM accepted WHERE connection = $to AND entity = $entity
        AND key IN (SELECT key FROM routed WHERE op = 'delete')
) AS there
WHERE routed.key = there.key AND op = 'delete' AND desired <> '{{}}'

-- name: guard
-- What these changes would do to what the destination has; where that is not known, as something is
-- under way, had no answer, or is to be sent again, what was sent counts, or will be. What is emptied (false) does the
-- harm of a zero.
SELECT (SELECT count(*) FROM accepted WHERE connection = $to AND entity = $entity),
       count(*) FILTER (overlaid(has, desired) IS DISTINCT FROM overlaid(overlaid(has, desired), has)),
       count(*) FILTER ({zeroes}), count(*) FILTER ({jumps})
FROM (
    SELECT has, desired,
           TRY_CAST(replace(json_extract_string(desired, $amount), 'false', '0') AS DECIMAL(18,4)) AS amount,
           TRY_CAST(json_extract_string(has, $amount) AS DECIMAL(18,4)) AS amount_there,
           TRY_CAST(replace(json_extract_string(desired, $price), 'false', '0') AS DECIMAL(18,4)) AS price,
           TRY_CAST(json_extract_string(has, $price) AS DECIMAL(18,4)) AS price_there
    FROM (
        SELECT r.desired, CASE WHEN o.key IS NULL THEN a.fields
                               ELSE overlaid(coalesce(o.triedDesired, o.desired), a.fields) END AS has
        FROM routed AS r JOIN accepted AS a ON a.connection = $to AND a.entity = $entity AND a.key = r.key
        LEFT JOIN outbox AS o ON o.push = $push AND o.key = r.key
        WHERE r.op <> 'delete'
    )
)

-- name: is_held
SELECT hash FROM holds
WHERE push = $push AND connection = $connection AND name = $name AND state = 'held' AND hash = $hash

-- name: replace
UPDATE holds SET state = 'replaced'
WHERE push = $push AND connection = $connection AND name = $name AND state = 'held'

-- name: hold
INSERT INTO holds (push, connection, name, hash, position, through, changes, reasons, state, heldAt, again)
SELECT $push, $connection, $name, $hash, $position, $newest, (SELECT count(*) FROM routed), $reasons, 'held', $now,
    CAST($sources AS VARCHAR[])

-- name: withdraw
UPDATE holds SET state = CASE WHEN hash = $approved THEN 'approved' ELSE 'withdrawn' END
WHERE push = $push AND connection = $connection AND name = $name AND state IN ('held', 'replaced')

-- name: skip_deletes
INSERT INTO receipts (push, key, sequence, attempt, outcome, reason, answeredAt)
SELECT $push, key, sequence, 0, 'skipped', 'gone at the source, which changes nothing here', $now
FROM routed WHERE op = 'delete'

-- name: withdraw_untried
-- What was to be made there, never was, and is gone at its source, need not be made.
DELETE FROM outbox AS o USING routed AS r
WHERE o.push = $push AND o.key = r.key AND o.source = r.source AND r.op = 'delete' AND o.state <> 'claimed' AND o.tried = false
    AND NOT EXISTS (FROM accepted AS a WHERE a.connection = $to AND a.entity = $entity AND a.key = o.key)

-- name: forget_behind
DELETE FROM behind AS b USING routed AS r
WHERE b.push = $push AND b.key = r.key AND b.source = r.source AND r.op = 'delete'
    AND NOT EXISTS (FROM outbox AS o WHERE o.push = $push AND o.key = b.key)

-- name: told
-- Keys that are to be told all that is known: of a new item there, or of a letter that is routed anew.
CREATE TEMP TABLE told AS
SELECT key, source, sequence FROM routed WHERE op <> 'delete' AND source IN (
    SELECT source FROM again WHERE affectedAt = $at_once
)

-- name: carry
-- What is unknown by now is part of it. A letter goes with its key to where that is, but what came there since is newer.
UPDATE routed AS r SET desired = overlaid(k.desired, r.desired) FROM (
    SELECT key, list_reduce(list(desired ORDER BY place, sequence), lambda a, b: overlaid(a, b)) AS desired FROM (
        SELECT t.key, CASE WHEN o.key = t.key THEN 2 ELSE 0 END AS place, o.sequence, o.desired
        FROM told AS t JOIN outbox AS o ON o.push = $push AND o.source = t.source AND (o.key = t.key OR o.state = 'dead')
        UNION ALL
        SELECT t.key, 1, 0, a.fields FROM told AS t JOIN accepted AS a ON a.connection = $to AND a.entity = $entity
            AND a.key = t.key AND coalesce(a.source, t.source) = t.source
        UNION ALL
        SELECT t.key, 2, b.sequence, b.desired FROM told AS t
        JOIN behind AS b ON b.push = $push AND b.key = t.key AND b.source = t.source
    )
    GROUP BY key
) AS k
WHERE r.key = k.key

-- name: carried
DELETE FROM outbox AS o USING told AS t
WHERE o.push = $push AND o.state = 'dead' AND o.source = t.source AND o.key <> t.key AND NOT coalesce(o.tried, true)

-- name: tell
-- Where each change is sent by itself, the last one of such a key brings it.
UPDATE addressed AS a SET desired = r.desired FROM told AS t JOIN routed AS r USING (key)
WHERE a.key = t.key AND a.source = t.source AND a.sequence = t.sequence AND a.op <> 'delete'

-- name: refusals
-- Of those that were refused before, none takes over what nobody has.
CREATE OR REPLACE TEMP TABLE refused AS
SELECT key, sequence, untranslated IS NULL AS rivals,
       coalesce(untranslated, 'two source keys mean this key here: ' || source || ' and ' || coalesce(other, 'another')) AS reason
FROM (
    SELECT r.*, coalesce(nullif(a.source, r.source), nullif(o.source, r.source),
                         CASE WHEN coalesce(a.source, o.source) IS NULL THEN x.source END) AS other
    FROM routed AS r
    LEFT JOIN (
        SELECT key, source FROM accepted WHERE connection = $to AND entity = $entity AND key IN (SELECT key FROM routed)
    ) AS a ON a.key = r.key
    LEFT JOIN (
        SELECT key, source FROM outbox WHERE push = $push AND state <> 'dead' AND key IN (SELECT key FROM routed)
    ) AS o ON o.key = r.key
    LEFT JOIN (
        SELECT r.key, min(x.source) AS source FROM rivals AS x JOIN routed AS r ON r.key = x.key AND r.source <> x.source
        WHERE x.push = $push AND x.routing = $routing GROUP BY r.key
    ) AS x ON x.key = r.key
    WHERE r.op <> 'delete'
)
WHERE untranslated IS NOT NULL OR sources > 1 OR other IS NOT NULL

-- name: strangers
-- Other source keys that stand in the way of those that were refused.
CREATE TEMP TABLE strangers AS
WITH disputed AS (SELECT key FROM refused WHERE rivals)
SELECT key, source, substr(source, strpos(source, ' ') + 1) AS sourceKey, CAST(NULL AS VARCHAR) AS after FROM (
    SELECT key, source FROM accepted WHERE connection = $to AND entity = $entity AND key IN (FROM disputed)
    UNION SELECT key, source FROM outbox WHERE push = $push AND key IN (FROM disputed)
    UNION SELECT key, source FROM rivals WHERE push = $push AND key IN (FROM disputed)
)
WHERE source IS NOT NULL

-- name: no_strangers
-- One that is, and means the key by the rules of a push that goes there, is none. What cannot be told speaks for it.
DELETE FROM strangers WHERE starts_with(source, $connection || '/' || $name || ' ')
    AND key = CAST(to_json({{{destination_key}}}) AS VARCHAR) AND ({only}) IS DISTINCT FROM false
    AND sourceKey NOT IN (
        SELECT key FROM changes
        WHERE connection = $connection AND name = $name AND key IN (SELECT sourceKey FROM strangers)
        GROUP BY key HAVING arg_max(op, sequence) = 'delete'
    )

-- name: any_strangers
SELECT 1 FROM strangers LIMIT 1

-- name: disown_strangers
UPDATE accepted AS a SET source = NULL FROM strangers AS s
WHERE a.connection = $to AND a.entity = $entity AND a.key = s.key AND a.source = s.source

-- name: strange_rivals
DELETE FROM rivals AS x USING strangers AS s WHERE x.push = $push AND x.key = s.key AND x.source = s.source

-- name: adopt
-- What is to be sent of them still is left to the one that means the key now.
UPDATE outbox AS o SET source = r.source FROM routed AS r JOIN strangers AS s USING (key)
WHERE o.push = $push AND o.key = r.key AND o.source = s.source AND o.state NOT IN ('claimed', 'dead')
    AND r.op <> 'delete' AND r.sources = 1

-- name: rerouted
DELETE FROM rivals WHERE push = $push AND routing <> $routing

-- name: rivals
INSERT INTO rivals (push, key, source, routing)
SELECT $push, key, source, $routing FROM (
    SELECT key, source FROM addressed WHERE op <> 'delete' UNION SELECT key, source FROM outbox WHERE push = $push
)
WHERE key IN (SELECT key FROM refused WHERE rivals) AND (key, source) NOT IN (SELECT (key, source) FROM rivals WHERE push = $push)

-- name: unmixed
-- Of several that were refused together, the one that the letter bears has nothing of the others.
UPDATE routed AS r SET desired = a.desired FROM (
    SELECT key, source, list_reduce(list(desired ORDER BY sequence), lambda a, b: overlaid(a, b)) AS desired
    FROM addressed GROUP BY key, source
) AS a
WHERE r.sources > 1 AND r.key = a.key AND r.source = a.source

-- name: renew
UPDATE outbox AS o SET sequence = r.sequence, source = r.source,
    desired = CASE WHEN o.source = r.source THEN overlaid(o.desired, r.desired) ELSE r.desired END,
    attempts = CASE WHEN o.state = 'dead' THEN 0 ELSE o.attempts END,
    state = CASE WHEN o.state = 'dead' THEN 'due' ELSE o.state END,
    dueAt = CASE WHEN o.state = 'dead' THEN greatest(o.dueAt, $now) ELSE o.dueAt END,
    reason = CASE WHEN o.state <> 'dead' THEN o.reason END, refused = NULL,
    triedSequence = CASE WHEN o.state = 'claimed' THEN coalesce(o.triedSequence, o.sequence) ELSE o.triedSequence END,
    triedDesired = CASE WHEN o.state = 'claimed' THEN coalesce(o.triedDesired, o.desired) ELSE o.triedDesired END
FROM routed AS r
WHERE o.push = $push AND o.key = r.key AND r.op <> 'delete' AND ($latest OR r.key IN (SELECT key FROM refused))
    AND (o.source = r.source OR (o.state = 'dead' AND r.key NOT IN (SELECT key FROM refused)))

-- name: enter
INSERT INTO outbox (push, key, source, sequence, desired, state, attempts, dueAt, queuedAt, tried)
SELECT $push, key, source, sequence, desired, 'due', 0, $now, $now, false FROM routed AS r
WHERE op <> 'delete' AND NOT EXISTS (FROM outbox AS o WHERE o.push = $push AND o.key = r.key)
    AND ($latest OR key IN (SELECT key FROM refused))

-- name: refuse
-- What is under way stays so until it is answered, and what may be there for a person to tell.
UPDATE outbox AS o SET state = CASE WHEN o.state IN ('claimed', 'unconfirmed') THEN o.state ELSE 'dead' END,
    reason = CASE WHEN o.state IN ('claimed', 'unconfirmed') THEN o.reason ELSE x.reason END,
    refused = CASE WHEN o.state = 'claimed' THEN x.reason END
FROM refused AS x WHERE o.push = $push AND o.key = x.key

-- name: refusal_receipts
INSERT INTO receipts (push, key, sequence, attempt, outcome, reason, answeredAt)
SELECT $push, key, sequence, 0, 'rejected', reason, $now FROM refused

-- name: forget_again
-- What it last accepted is no longer what it has, even where the source's value did not move. What is under way
-- just now may have come before that change or after it, and its answer would undo this; so it is for next time.
UPDATE accepted AS a SET fields = '{{}}' FROM routed AS r
WHERE a.connection = $to AND a.entity = $entity AND a.key = r.key
    AND r.key NOT IN (SELECT key FROM outbox WHERE push = $push AND state = 'claimed')
    AND r.source IN (SELECT source FROM again WHERE meant IS NULL)

-- name: claims
-- How often a key was claimed, which is more than its refusals ever were. What goes under this number is another request
-- than all before it: a platform answers the same one as before.
(
    SELECT key, count(*) AS times FROM receipts WHERE push = $push AND claim IS NOT NULL GROUP BY key
)

-- name: another
-- To be sent again is another request than the one that was taken.
UPDATE outbox AS o SET refusals = t.times FROM {claims} AS t JOIN routed AS r USING (key)
WHERE o.push = $push AND o.key = t.key AND o.state = 'due' AND o.tried IS DISTINCT FROM true
    AND r.source IN (SELECT source FROM again)

-- name: sent_again
UPDATE affected AS a SET sentAgain = list_concat(coalesce(a.sentAgain, []), g.sources) FROM (
    SELECT field, value, affectedAt, meant, list(source) AS sources FROM again WHERE source NOT IN (
        SELECT r.source FROM routed AS r JOIN outbox AS o USING (key) WHERE o.push = $push AND o.state = 'claimed'
    )
    GROUP BY field, value, affectedAt, meant
) AS g
WHERE a.push = $push AND a.field = g.field AND a.value = g.value AND a.affectedAt = g.affectedAt
    AND a.source IS NOT DISTINCT FROM g.meant

-- name: settle_again
-- Of all its places, in all the logs that this push reads; and of one that is in none of these any more.
DELETE FROM affected AS a WHERE a.push = $push AND a.field = $field AND (
    a.sentAgain IS NOT NULL AND NOT EXISTS (
        FROM {rows} AS b
        WHERE b.{part} = a.value AND NOT b._deleted AND list_contains($from, b._connection || '/' || b._name)
            AND ((b._connection, b._name) <> ($connection, $name) OR {pulled}) AND a.source IS NULL AND NOT list_contains(
                a.sentAgain, b._connection || '/' || b._name || ' ' || CAST(to_json({{{key_fields}}}) AS VARCHAR)
            )
    )
    OR a.source NOT IN (
        SELECT _connection || '/' || _name || ' ' || CAST(to_json({{{key_fields}}}) AS VARCHAR) FROM {rows} AS b
        WHERE NOT _deleted AND list_contains($from, _connection || '/' || _name)
            AND ((_connection, _name) <> ($connection, $name) OR {pulled})
    )
)

-- name: forget_position
DELETE FROM positions WHERE push = $push AND connection = $connection AND name = $name

-- name: set_position
INSERT INTO positions (push, connection, name, position, held, movedAt, rules, destination)
VALUES ($push, $connection, $name, $position, $held, $now, $rules, $to)

-- name: drop
DROP TABLE IF EXISTS arriving; DROP TABLE IF EXISTS addressed; DROP TABLE IF EXISTS routed; DROP TABLE IF EXISTS refused; DROP TABLE IF EXISTS again;
DROP TABLE IF EXISTS gone; DROP TABLE IF EXISTS told; DROP TABLE IF EXISTS strangers; DROP TABLE IF EXISTS strays
