-- name: forget
DELETE FROM failed_pushes WHERE push = $push

-- name: note
INSERT INTO failed_pushes (push, reason, failedAt) VALUES ($push, $reason, $now)
