-- name: forget_failure
DELETE FROM failed_pulls WHERE connection = $connection AND name = $name AND scope = $scope
    AND coalesce(came, false) = $came AND (kind IS NULL OR list_contains($kinds, kind))

-- name: failure
INSERT INTO failed_pulls (connection, name, scope, reason, failedAt, came, kind)
VALUES ($connection, $name, $scope, $reason, $now, $came, $kind)

-- name: pull
INSERT INTO pulls (pull, connection, name, scope, kind, windowStart, windowEnd, startedAt, finishedAt, pages, records,
                   expected, requests)
VALUES ($pull, $connection, $name, $scope, $kind, $start, $end, $started, $finished, $pages, $records, $expected, $filters)

-- name: forget_watermark
DELETE FROM watermarks WHERE connection = $connection AND name = $name AND walk = $walk

-- name: watermark
INSERT INTO watermarks (connection, name, walk, watermark, pull) VALUES ($connection, $name, $walk, $watermark, $pull)

-- name: watermarks
SELECT walk, watermark FROM watermarks WHERE connection = $connection AND name = $name

-- name: with_pages
-- Pulls whose raw pages are kept. Those of the newest pull of each scope stay, however old: a remap needs them.
SELECT pull FROM pulls WHERE NOT (finishedAt < $before AND mappedAt IS NOT NULL)
    OR pull IN (SELECT max(pull) FROM pulls GROUP BY connection, name, scope)

-- name: prune_table
-- Where the pages are in the store, as up to version 0.2.
DELETE FROM raw_pages WHERE NOT list_contains($kept, pull)

-- name: pages_in_table
SELECT walk, page, asked_at, body FROM raw_pages WHERE pull = $pull

-- name: unreadable
UPDATE pulls SET mappedAt = $now, rows = 0, quarantined = 0 WHERE pull = $pull

-- name: unread
SELECT pull, kind, scope, windowStart, windowEnd, startedAt, finishedAt, pages, records, expected FROM pulls
WHERE connection = $connection AND name = $name AND scope = $scope AND (
    mappedAt IS NULL
    OR pull = (SELECT max(pull) FROM pulls WHERE connection = $connection AND name = $name AND scope = $scope)
)
ORDER BY pull
