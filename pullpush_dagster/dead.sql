-- name: letters
-- One row per dead key, newest first, with the last that was sent of it and answered. What was refused on its way to
-- the outbox may have had an older version under way, so the newest receipt alone does not tell that it was.
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
             WHEN receipt IS NULL OR unrouted.key IS NOT NULL THEN 'not routed'
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

-- name: covered
-- What the destination has accepted since says all that the letter says: it would be a step back in time, or nothing.
CREATE TEMP TABLE covered AS
SELECT o.push, o.key, o.sequence FROM outbox AS o JOIN chosen USING (push, key)
JOIN accepted AS a ON a.connection = chosen.destination AND a.entity = chosen.entity AND a.key = o.key
WHERE o.state IN ('dead', 'unconfirmed') AND overlaid(a.fields, o.desired) = overlaid(a.fields, a.fields)

-- name: drop_covered
DELETE FROM outbox AS o USING covered AS c WHERE o.push = c.push AND o.key = c.key

-- name: covered_receipts
INSERT INTO receipts (push, key, sequence, attempt, outcome, reason, answeredAt)
SELECT push, key, sequence, 0, 'skipped', 'replayed: what the destination has accepted since covers it', $now FROM covered

-- name: route_again
-- Only its way from the change log to the destination can tell whether it can now.
INSERT INTO affected (push, field, value, affectedAt)
SELECT DISTINCT push, field, value, CAST('1970-01-01 00:00:00+00' AS TIMESTAMPTZ)
FROM chosen WHERE cause = 'not routed' AND (push, key) NOT IN (SELECT (push, key) FROM covered)

-- name: forget_empty
-- One of which nothing was ever known has nothing to bring.
DELETE FROM outbox AS o USING chosen AS c
WHERE o.push = c.push AND o.key = c.key AND c.cause = 'not routed' AND o.desired = '{}' AND NOT coalesce(o.tried, true)

-- name: due_again
UPDATE outbox AS o SET state = 'due', attempts = 0, dueAt = greatest(dueAt, $now), claim = NULL, leaseUntil = NULL
FROM chosen AS c WHERE o.push = c.push AND o.key = c.key AND o.state IN ('dead', 'unconfirmed') AND c.cause <> 'not routed'
