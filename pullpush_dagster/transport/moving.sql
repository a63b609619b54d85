-- name: known
SELECT place FROM accounts WHERE connection = $connection

-- name: used
SELECT EXISTS (FROM pulls WHERE connection = $connection) OR EXISTS (FROM bindings WHERE connection = $connection)
    OR EXISTS (FROM accepted WHERE connection = $connection)

-- name: forget
DELETE FROM accounts WHERE connection = $connection

-- name: keep
INSERT INTO accounts (connection, place, since) VALUES ($connection, $place, $now)
