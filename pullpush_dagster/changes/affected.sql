-- name: forget
-- Not what was noted for a new item, or for a letter: those wait for nothing.
DELETE FROM affected AS a USING touched AS t WHERE a.push = t.push AND a.field = t.field AND a.value = t.value
    AND a.source IS NULL AND a.affectedAt > $at_once

-- name: note
INSERT INTO affected (push, field, value, affectedAt) SELECT push, field, value, $now FROM touched
