-- name: replaced
-- Items that took the place of those that had accepted something: made anew there, or given another's SKU. Parts of
-- their keys.
CREATE TEMP TABLE replaced AS
SELECT DISTINCT json_extract_string(key, $path) AS value FROM new_items
WHERE json_extract_string(key, $path) IN (
    SELECT json_extract_string(key, $path) FROM accepted WHERE connection = $to AND entity = $entity AND fields <> '{}'
)

-- name: forget
DELETE FROM affected WHERE push = $push AND field = $field AND value IN (SELECT value FROM replaced)
    AND source IS NULL AND affectedAt = $at_once

-- name: affected
-- What the source said last is good enough: nothing there has taken it.
INSERT INTO affected (push, field, value, affectedAt)
SELECT $push, $field, value, $at_once FROM replaced

-- name: drop
DROP TABLE replaced
