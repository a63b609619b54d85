-- name: past_counts
SELECT records FROM (
    SELECT pull, records FROM pulls WHERE connection = $connection AND name = $name ORDER BY pull DESC LIMIT 30
) ORDER BY pull

-- name: quarantined
SELECT count(*) FROM quarantine WHERE connection = $connection AND name = $name AND list_contains($scopes, scope)

-- name: oldest_watermark
SELECT min(watermark) FROM watermarks WHERE connection = $connection AND name = $name

-- name: outbox
SELECT count(*) FILTER (state IN ('due', 'claimed')), count(*) FILTER (state = 'waiting'), 
    count(*) FILTER (state IN ('dead', 'unconfirmed'))
FROM outbox WHERE push = $push

-- name: outcomes
SELECT outcome, count(DISTINCT key) FROM receipts WHERE push = $push GROUP BY outcome

-- name: why
-- What a record says of a person stands in many a platform's reason too, in any case of letters. A whole name goes before
-- its parts; what is as short as the code of a country is only hidden as a word of its own.
WITH told AS (
    SELECT state, key, coalesce(reason, 'to be sent') AS reason, CASE WHEN reason IS NOT NULL THEN flatten(list_transform(
        CAST($personal AS VARCHAR[]), lambda field: list_concat(
            [json_extract_string(key, field)],
            CASE WHEN json_type(desired, field) = 'OBJECT'
                 THEN map_values(CAST(json_extract(desired, field) AS MAP(VARCHAR, VARCHAR)))
                 ELSE [json_extract_string(desired, field)] END
        )
    )) END AS said
    FROM outbox WHERE push = $push
), hiding AS (
    SELECT state, key, reason, list_transform(
        list_reverse_sort(list_transform(
            list_filter(said, lambda value: trim(value) <> ''), lambda value: {long: strlen(value), text: value}
        )),
        lambda value: CASE WHEN value.long < 4 THEN '\b' || regexp_escape(value.text) || '\b'
            ELSE regexp_escape(value.text) END
    ) AS hidden
    FROM told
)
SELECT state || ': ' || list_reduce(list_prepend(reason, coalesce(hidden, [])),
        lambda text, value: regexp_replace(text, value, '…', 'gi')) AS why,
    count(*) AS keys, min(key)
FROM hiding GROUP BY why ORDER BY keys DESC LIMIT 10

-- name: held
-- In a log that it no longer reads, nobody waits for what was held.
SELECT string_agg(held, '; ') FROM positions
WHERE push = $push AND list_contains($logs, connection || '/' || name) AND held IS NOT NULL

-- name: round_pulls
-- What the newest pull of each scope since then came to.
SELECT coalesce(sum(records), 0), coalesce(sum(quarantined), 0) FROM pulls
WHERE connection = $connection AND name = $name AND startedAt >= $since

-- name: round_changes
SELECT count(*) FROM changes WHERE connection = $connection AND name = $name AND acceptedAt >= $since

-- name: round_held
SELECT count(*) FROM held_changes JOIN audits USING (audit)
WHERE connection = $connection AND name = $name AND state = 'held'

-- name: round_receipts
SELECT count(*) FILTER (sentAt IS NOT NULL), count(DISTINCT key) FILTER (outcome = 'accepted'),
       count(DISTINCT key) FILTER (outcome = 'skipped')
FROM receipts WHERE push = $push AND answeredAt >= $since

-- name: due
-- What each push could send at this moment: what is due, and what is claimed by one that did not come back.
SELECT push, count(*), max(sequence), sum(attempts), min(greatest(dueAt, coalesce(leaseUntil, dueAt)))
FROM outbox WHERE (state = 'due' AND dueAt <= $now) OR (state = 'claimed' AND leaseUntil < $now)
GROUP BY push

-- name: begun
SELECT push, connection, name FROM positions

-- name: unread
-- Logs that a push has not read to their end, and is not held in, with the newest change it has yet to read. Asked once
-- a second: which those are is told by the numbers given out, as to look through all the log takes ever longer.
SELECT push, connection || '/' || name, newest, max(acceptedAt) FROM (
    SELECT p.push, p.connection, p.name, c.value AS newest FROM positions AS p
    JOIN counters AS c ON c.name = 'sequence ' || p.connection || '/' || p.name
    WHERE p.position < c.value AND p.held IS NULL
) JOIN changes USING (connection, name) WHERE sequence = newest
GROUP BY push, connection, name, newest
