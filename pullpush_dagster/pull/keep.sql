-- name: pull
INSERT INTO pulls (pull, connection, name, scope, kind, windowStart, windowEnd, startedAt, finishedAt, pages, records,
                   expected, requests)
VALUES ($pull, $connection, $name, $scope, $kind, $start, $end, $started, $finished, $pages, $records, $expected, $filters)

-- name: pages
INSERT INTO raw_pages BY NAME SELECT $pull AS pull, walk, page, asked_at, body FROM spooled

-- name: forget_watermark
DELETE FROM watermarks WHERE connection = $connection AND name = $name AND walk = $walk

-- name: watermark
INSERT INTO watermarks (connection, name, walk, watermark, pull) VALUES ($connection, $name, $walk, $watermark, $pull)

-- name: watermarks
SELECT walk, watermark FROM watermarks WHERE connection = $connection AND name = $name

-- name: prune
-- Raw pages of the newest pull of each scope stay, however old: a remap needs them.
DELETE FROM raw_pages WHERE pull IN (
    SELECT pull FROM pulls WHERE finishedAt < $before AND mappedAt IS NOT NULL
) AND pull NOT IN (SELECT max(pull) FROM pulls GROUP BY connection, name, scope)

-- name: raw
SELECT walk, page, asked_at, body FROM raw_pages WHERE pull = $pull ORDER BY page

-- name: unread
SELECT pull, kind, scope, windowStart, windowEnd, startedAt, records, expected FROM pulls
WHERE connection = $connection AND name = $name AND scope = $scope AND (
    mappedAt IS NULL
    OR pull = (SELECT max(pull) FROM pulls WHERE connection = $connection AND name = $name AND scope = $scope)
)
ORDER BY pull
