-- name: letters
-- One row per dead key, newest first, with the last that was sent of it and answered. What was refused on its way to
-- the outbox may have had an older version under way, so the newest receipt alone does not tell that it was. Of what a
-- process that died may have sent there is none.
WITH last AS (
    SELECT push, key, arg_max({outcome: outcome, sent: sent, answer: answer, answeredAt: answeredAt},
                              row(answeredAt, sequence, attempt)) AS receipt
    FROM receipts
    WHERE claim IS NOT NULL AND (push, key) IN (SELECT (push, key) FROM outbox WHERE state IN ('dead', 'unconfirmed'))
    GROUP BY push, key
), unrouted AS (
    SELECT push, key, reason, max(answeredAt) AS answeredAt FROM receipts
    WHERE claim IS NULL AND outcome = 'rejected' GROUP BY push, key, reason
), told AS (
    SELECT o.push AS sync, o.key, o.source, o.reason, o.attempts, o.desired, receipt.sent, receipt.answer,
        coalesce(unrouted.answeredAt, receipt.answeredAt) AS "at",
        CASE WHEN o.state = 'unconfirmed' THEN 'unconfirmed'
             WHEN unrouted.key IS NOT NULL OR (receipt IS NULL AND o.tried IS DISTINCT FROM true) THEN 'not routed'
             WHEN receipt IS NULL THEN 'no answer'
             WHEN receipt.outcome = 'rejected' AND receipt.sent IS NULL THEN 'not sent'
             WHEN receipt.outcome = 'rejected' THEN 'refused'
             WHEN receipt.outcome = 'unknown' THEN 'no answer'
             ELSE 'gave up' END AS cause,
        regexp_replace(list_reduce(
            list_prepend(coalesce(o.reason, ''), map_values(CAST(CAST(o.key AS JSON) AS MAP(VARCHAR, VARCHAR)))),
            lambda text, value: CASE WHEN value = '' THEN text ELSE replace(text, value, 'KEY') END
        ), '[0-9]+', '#', 'g') AS pattern
    FROM outbox AS o LEFT JOIN last USING (push, key)
    LEFT JOIN unrouted ON unrouted.push = o.push AND unrouted.key = o.key AND unrouted.reason = o.reason
    WHERE o.state IN ('dead', 'unconfirmed')
)
SELECT * EXCLUDE (pattern), pattern, left(md5(concat_ws('|', sync, cause, pattern)), 8) AS "group"
FROM told ORDER BY "at" DESC NULLS LAST, sync, key

-- name: standing
-- What there is of each chosen letter: its head, other source keys that were refused with it, and what waits behind it.
CREATE TEMP TABLE standing AS
SELECT *, substr(source, strpos(source, ' ') + 1) AS sourceKey FROM (
    SELECT push, key, source, sequence, desired, cause, true AS head FROM outbox JOIN chosen USING (push, key)
    UNION ALL
    SELECT push, key, x.source, o.sequence, '{{}}', cause, true FROM rivals AS x JOIN chosen USING (push, key)
    JOIN outbox AS o USING (push, key) WHERE cause = 'not routed' AND o.source <> x.source
    UNION ALL
    SELECT push, key, source, sequence, desired, cause, false FROM behind JOIN chosen USING (push, key)
)

-- name: ways
CREATE TEMP TABLE ways (
    push VARCHAR, key VARCHAR, source VARCHAR, sequence BIGINT, cause VARCHAR, head BOOLEAN, way VARCHAR, value VARCHAR,
    fate VARCHAR
)

-- name: of_letters
SELECT * FROM {baseline} WHERE {part} IN (SELECT json_extract_string(sourceKey, $path) FROM standing WHERE push = $push)

-- name: way
-- What the sync as it is now makes of each: its destination key, and whether it is left out. Values of its own come first,
-- as where each change is sent a later one may be left out and this one not.
INSERT INTO ways (push, key, source, sequence, cause, head, way, value, fate)
SELECT $push, key, source, sequence, cause, head, way, json_extract_string(sourceKey, $path),
       CASE WHEN leftOut THEN 'left out' WHEN way = key AND NOT head THEN 'behind'
            WHEN way = key AND cause <> 'not routed' THEN 'due' WHEN gone THEN 'gone' WHEN NOT head THEN 'behind'
            WHEN $each AND cause <> 'not routed' THEN 'moved' ELSE 'anew' END
FROM (
    SELECT *, CAST(to_json({{{destination_key}}}) AS VARCHAR) AS way, ({only}) IS NOT DISTINCT FROM false AS leftOut
    FROM (
        SELECT w.* EXCLUDE (desired), s.sourceKey IS NULL AS gone, overlaid(coalesce(s.after, '{{}}'), w.desired) AS after
        FROM standing AS w LEFT JOIN (SELECT sourceKey, after FROM ({state})) AS s USING (sourceKey)
        WHERE w.push = $push AND starts_with(w.source, $connection || '/' || $name || ' ')
    )
)

-- name: no_way
-- Of a pull that the sync does not read any more.
INSERT INTO ways BY NAME
SELECT push, key, source, sequence, cause, head, key AS way, 'left out' AS fate FROM standing
WHERE (push, key, source) NOT IN (SELECT (push, key, source) FROM ways)

-- name: overtaken
-- Where each change is sent by itself: what is newer went to the key that it is by now already. To follow that would be a
-- step back in time, so the letter and what waits behind it go with the newest version, below what was accepted since.
UPDATE ways AS w SET fate = CASE WHEN w.head THEN 'anew' ELSE 'folded' END
FROM ways AS h JOIN chosen AS c ON c.push = h.push AND c.key = h.key
WHERE h.head AND h.fate = 'moved' AND w.push = h.push AND w.key = h.key AND w.source = h.source AND w.fate IN ('moved', 'behind')
    AND ((h.push, h.way) IN (SELECT (push, key) FROM outbox) OR (c.destination, c.entity, h.way) IN (
        SELECT (connection, entity, key) FROM accepted WHERE key IN (SELECT way FROM ways)
    ))

-- name: fold
UPDATE outbox AS o SET desired = overlaid(o.desired, f.desired) FROM (
    SELECT push, key, source, list_reduce(list(desired ORDER BY sequence), lambda a, b: overlaid(a, b)) AS desired
    FROM behind JOIN ways AS w USING (push, key, source, sequence) WHERE w.fate = 'folded' GROUP BY push, key, source
) AS f
WHERE o.push = f.push AND o.key = f.key AND o.source = f.source

-- name: fates
-- Of several source keys of one letter those that are to be routed anew tell, then those that are gone.
CREATE TEMP TABLE fates AS
SELECT push, key, min(fate) AS fate, min(fate) FILTER (w.source = o.source) AS own,
    bool_or(fate = 'anew' AND way = key) AS heir, CAST(NULL AS VARCHAR) AS ends
FROM ways AS w JOIN outbox AS o USING (push, key) WHERE head GROUP BY push, key

-- name: covered
-- What the destination has accepted since, under the key that it is by now, says all that the letter says: it would be a
-- step back in time, or nothing. That is nothing of another source key, which was refused beside it.
UPDATE fates AS f SET fate = 'covered' FROM outbox AS o
JOIN ways AS w ON w.push = o.push AND w.key = o.key AND w.source = o.source AND w.head
JOIN chosen ON chosen.push = o.push AND chosen.key = o.key
JOIN accepted AS a ON a.connection = chosen.destination AND a.entity = chosen.entity AND a.key = w.way
WHERE f.push = o.push AND f.key = o.key AND f.fate IN ('due', 'anew', 'moved')
    AND overlaid(a.fields, o.desired) = overlaid(a.fields, a.fields) AND NOT EXISTS (
        FROM ways AS x WHERE x.push = f.push AND x.key = f.key AND x.head AND x.fate = f.fate AND x.source <> o.source
    )

-- name: ends
-- Why a letter is closed, if it is: one that is gone, or left out, also where what was refused beside it goes on, but under
-- other keys.
UPDATE fates SET ends = CASE WHEN fate IN ('covered', 'gone', 'left out') THEN fate
                             WHEN fate = 'anew' AND own IN ('gone', 'left out') AND NOT heir THEN own END

-- name: drop
DELETE FROM outbox AS o USING fates AS f WHERE o.push = f.push AND o.key = f.key AND f.ends IS NOT NULL

-- name: drop_behind
DELETE FROM behind AS b USING ways AS w
WHERE b.push = w.push AND b.key = w.key AND b.source = w.source AND b.sequence = w.sequence
    AND NOT w.head AND w.fate IN ('gone', 'left out', 'folded')

-- name: dropped_receipts
INSERT INTO receipts (push, key, sequence, attempt, outcome, reason, answeredAt)
SELECT DISTINCT push, key, sequence, 0, 'skipped', CASE CASE WHEN head THEN f.ends ELSE w.fate END
    WHEN 'covered' THEN 'replayed: what the destination has accepted since covers it'
    WHEN 'gone' THEN 'replayed: its source does not have it any more'
    WHEN 'folded' THEN 'replayed: it goes with what is newer, as that went there before it'
    ELSE 'replayed: the sync leaves it out by now' END, $now
FROM ways AS w JOIN fates AS f USING (push, key)
WHERE CASE WHEN head THEN f.ends IS NOT NULL ELSE w.fate IN ('gone', 'left out', 'folded') END

-- name: route_again
-- Only its way from the change log to the destination can tell whether it can now.
INSERT INTO affected (push, field, value, affectedAt, source)
SELECT DISTINCT push, c.field, w.value, $at_once, w.source
FROM ways AS w JOIN fates AS f USING (push, key) JOIN chosen AS c USING (push, key)
WHERE w.head AND w.fate = f.fate AND f.fate IN ('anew', 'moved')
EXCEPT SELECT push, field, value, affectedAt, source FROM affected WHERE sentAgain IS NULL

-- name: leave
-- What is another key there by now goes with its new version: what may be under the old one is not to be told again.
UPDATE outbox AS o SET state = 'dead', tried = false, triedSequence = NULL, triedDesired = NULL
FROM ways AS w JOIN fates AS f USING (push, key)
WHERE o.push = w.push AND o.key = w.key AND o.source = w.source AND w.head AND w.way <> w.key AND f.fate = 'anew'

-- name: move
-- Where each change is sent by itself, it is one of those that wait for that.
INSERT INTO behind (push, key, source, sequence, desired, queuedAt)
SELECT push, w.way, o.source, o.sequence, o.desired, o.queuedAt FROM outbox AS o
JOIN ways AS w USING (push, key) JOIN fates AS f USING (push, key) WHERE w.head AND f.fate = 'moved'

-- name: moved
DELETE FROM outbox AS o USING fates AS f WHERE o.push = f.push AND o.key = f.key AND f.fate = 'moved'

-- name: move_behind
UPDATE behind AS b SET key = w.way FROM ways AS w
WHERE b.push = w.push AND b.key = w.key AND b.source = w.source AND b.sequence = w.sequence
    AND NOT w.head AND w.fate = 'behind' AND w.way <> w.key

-- name: forget_empty
-- One of which nothing was ever known has nothing to bring.
DELETE FROM outbox AS o USING fates AS f
WHERE o.push = f.push AND o.key = f.key AND f.fate = 'anew' AND o.desired = '{{}}' AND NOT coalesce(o.tried, true)

-- name: due_again
UPDATE outbox AS o SET state = 'due', attempts = 0, dueAt = greatest(dueAt, $now), claim = NULL, leaseUntil = NULL
FROM fates AS f WHERE o.push = f.push AND o.key = f.key AND f.fate = 'due'

-- name: counts
SELECT fate, count(*) FROM fates GROUP BY fate

-- name: forget
DROP TABLE standing; DROP TABLE ways; DROP TABLE fates
