-- name: pulled
SELECT count(*) > 0 FROM pulls WHERE connection = $connection AND name = $name

-- name: held_here
SELECT connection || '/' || name, hash FROM holds WHERE push = $push AND state = 'held'

-- name: held
-- What the guard of a pull holds, of which its pushes are told nothing.
SELECT scope, hash, (SELECT count(*) FROM held_changes AS h WHERE h.audit = a.audit) FROM audits AS a
WHERE connection = $connection AND name = $name AND list_contains($scopes, scope) AND state = 'held' ORDER BY scope, audit
