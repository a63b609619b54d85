-- name: forget
-- Long settled: no look-up that is still under way was asked before.
DELETE FROM made WHERE settlesAt < $old

-- name: made
-- Those that a look-up of that time need not have found.
SELECT value, id, settlesAt FROM made
WHERE connection = $to AND reference = $reference AND settlesAt >= $asked_at
    AND value IN (SELECT unnest(CAST($values AS VARCHAR[])))

-- name: drop
DELETE FROM made
WHERE connection = $to AND reference = $reference AND value IN (SELECT unnest(CAST($values AS VARCHAR[])))

-- name: note
INSERT INTO made (connection, reference, value, id, settlesAt)
SELECT $to, $reference, unnest(CAST($values AS VARCHAR[])), unnest(CAST($ids AS VARCHAR[])),
    unnest(CAST($settles AS TIMESTAMPTZ[]))
