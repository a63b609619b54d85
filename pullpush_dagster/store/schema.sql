-- name: tables
-- Columns are camelCase like the canonical model's. No keys and no indexes: at ten million rows they
-- double the time and multiply the file by five; each writer keeps its own rows unique.

-- Which text of these tables the store was made or completed with.
CREATE TABLE IF NOT EXISTS schema_version (version BIGINT);

-- The last number given out, per name.
CREATE TABLE IF NOT EXISTS counters (name VARCHAR, value BIGINT);

-- One row per complete pull. A pull that broke off is not here, so nothing downstream sees it.
CREATE TABLE IF NOT EXISTS pulls (
    pull BIGINT, connection VARCHAR, name VARCHAR, scope VARCHAR, kind VARCHAR,
    windowStart TIMESTAMPTZ, windowEnd TIMESTAMPTZ, startedAt TIMESTAMPTZ, finishedAt TIMESTAMPTZ,
    pages BIGINT, records BIGINT, expected BIGINT, requests VARCHAR,
    frame BIGINT, mappedAt TIMESTAMPTZ, rows BIGINT, quarantined BIGINT, deletesOff VARCHAR
);

-- Page bodies as they came, of pulls up to version 0.2; those of later ones are in files (decision 0015).
CREATE TABLE IF NOT EXISTS raw_pages (pull BIGINT, walk VARCHAR, page INTEGER, asked_at TIMESTAMPTZ, body VARCHAR);

-- Why the newest attempt of a pull came to nothing; gone with the next of its kind that is complete.
CREATE TABLE IF NOT EXISTS failed_pulls (
    connection VARCHAR, name VARCHAR, scope VARCHAR, reason VARCHAR, failedAt TIMESTAMPTZ
);
-- Whether its pages came, and could not be read: that is gone with the next that can.
ALTER TABLE failed_pulls ADD COLUMN IF NOT EXISTS came BOOLEAN;
-- Which kind of pull came to nothing: a walk that goes well says nothing of the full audit beside it. null: its pages
-- came, or an older version noted it.
ALTER TABLE failed_pulls ADD COLUMN IF NOT EXISTS kind VARCHAR;

-- Why the newest run of a push broke off, as where its destination refuses the login; gone with the next that gets through.
CREATE TABLE IF NOT EXISTS failed_pushes (push VARCHAR, reason VARCHAR, failedAt TIMESTAMPTZ);

CREATE TABLE IF NOT EXISTS watermarks (
    connection VARCHAR, name VARCHAR, walk VARCHAR, watermark TIMESTAMPTZ, pull BIGINT
);

-- Rows of the newest pull of each scope that must not be used, and why.
CREATE TABLE IF NOT EXISTS quarantine (
    connection VARCHAR, name VARCHAR, scope VARCHAR, pull BIGINT, page INTEGER, row INTEGER,
    externalId VARCHAR, key VARCHAR, reasons VARCHAR[]
);
ALTER TABLE quarantine ADD COLUMN IF NOT EXISTS askedAt TIMESTAMPTZ;
-- Whether the key is what the id was last bound to, as the record names none.
ALTER TABLE quarantine ADD COLUMN IF NOT EXISTS inferred BOOLEAN;

-- (connection, entity, key) <-> the platform's own ids. Two rows for one key: two records claim it. seenAt: when what
-- told of it was asked for; it stays while later readings say the same.
CREATE TABLE IF NOT EXISTS bindings (
    connection VARCHAR, entity VARCHAR, key VARCHAR, id VARCHAR, externalId VARCHAR, live BOOLEAN, seenAt TIMESTAMPTZ
);

-- What each audit found. state: accepted, held (the newest of its scope), replaced (held, and a newer one is too),
-- withdrawn or approved. scope '': the whole pull.
CREATE TABLE IF NOT EXISTS audits (
    audit BIGINT, connection VARCHAR, name VARCHAR, scope VARCHAR, throughFrame BIGINT, fullStartedAt TIMESTAMPTZ,
    state VARCHAR, hash VARCHAR, counts VARCHAR, reasons VARCHAR[], auditedAt TIMESTAMPTZ
);

-- The durable order of everything that ever changed. after: known values only; cleared: emptied fields.
CREATE TABLE IF NOT EXISTS changes (
    connection VARCHAR, name VARCHAR, sequence BIGINT, audit BIGINT, op VARCHAR, key VARCHAR, fields VARCHAR[],
    before VARCHAR, after VARCHAR, cleared VARCHAR[], askedAt TIMESTAMPTZ, acceptedAt TIMESTAMPTZ
);

-- The rows of held audits, as they were when the guard stopped them.
CREATE TABLE IF NOT EXISTS held_changes (
    audit BIGINT, op VARCHAR, key VARCHAR, fields VARCHAR[], before VARCHAR, after VARCHAR, cleared VARCHAR[],
    askedAt TIMESTAMPTZ
);

-- How far each push has read each change log. held: why its guard stopped it there; null: it did not.
CREATE TABLE IF NOT EXISTS positions (
    push VARCHAR, connection VARCHAR, name VARCHAR, position BIGINT, held VARCHAR, movedAt TIMESTAMPTZ
);
-- What the push said then of which source keys are its business, and what they are there. null: what is queued may still
-- go by other rules.
ALTER TABLE positions ADD COLUMN IF NOT EXISTS rules VARCHAR;
-- Where the push went then.
ALTER TABLE positions ADD COLUMN IF NOT EXISTS destination VARCHAR;

-- Change sets that a push's guard has stopped: what lies in a log after position, up to through. state: held,
-- replaced (a later look found more), withdrawn or approved.
CREATE TABLE IF NOT EXISTS holds (
    push VARCHAR, connection VARCHAR, name VARCHAR, hash VARCHAR, position BIGINT, through BIGINT, changes BIGINT,
    reasons VARCHAR[], state VARCHAR, heldAt TIMESTAMPTZ
);
-- Source keys that are in the set as they are to be sent again, whatever the log says of them.
ALTER TABLE holds ADD COLUMN IF NOT EXISTS again VARCHAR[];

-- One head per destination key that still has something to be sent. state: due, claimed, waiting, dead, or
-- unconfirmed: given up as well, but it may be there, and only a person can tell.
-- desired: field -> newest value as text, false for cleared; a field that is not in it is unknown.
-- tried: whether a request for it may have reached the destination.
CREATE TABLE IF NOT EXISTS outbox (
    push VARCHAR, key VARCHAR, source VARCHAR, sequence BIGINT, desired VARCHAR, state VARCHAR, attempts INTEGER,
    dueAt TIMESTAMPTZ, claim VARCHAR, leaseUntil TIMESTAMPTZ, reason VARCHAR, queuedAt TIMESTAMPTZ
);
ALTER TABLE outbox ADD COLUMN IF NOT EXISTS tried BOOLEAN;
-- How often the head was refused: what goes again after that is another request, not the same one once more.
ALTER TABLE outbox ADD COLUMN IF NOT EXISTS refusals INTEGER;
-- The version that may be there, as no answer told, where it need not be the newest.
ALTER TABLE outbox ADD COLUMN IF NOT EXISTS triedSequence BIGINT;
ALTER TABLE outbox ADD COLUMN IF NOT EXISTS triedDesired VARCHAR;
-- Why a newer version of what is under way was refused: once that is answered, the key is given up with this reason.
ALTER TABLE outbox ADD COLUMN IF NOT EXISTS refused VARCHAR;

-- Where each change is delivered: those behind the head of their key, each to be sent once the one before is done.
CREATE TABLE IF NOT EXISTS behind (
    push VARCHAR, key VARCHAR, source VARCHAR, sequence BIGINT, desired VARCHAR, queuedAt TIMESTAMPTZ
);

-- What each destination last accepted, per key: field -> value as text, false for cleared. A field that
-- is not in here was never accepted, or is being sent, or its last sending has an unknown outcome.
CREATE TABLE IF NOT EXISTS accepted (
    connection VARCHAR, entity VARCHAR, key VARCHAR, source VARCHAR, fields VARCHAR, acceptedAt TIMESTAMPTZ
);

-- Source keys that meant one key of a destination and were refused: none of them has it until the others are gone.
-- routing: of the push, as it was then.
CREATE TABLE IF NOT EXISTS rivals (push VARCHAR, key VARCHAR, source VARCHAR, routing VARCHAR);

-- What records name, and was made for them or is being made: until settlesAt a look-up need not find it. id: null, no
-- answer has told it.
CREATE TABLE IF NOT EXISTS made (
    connection VARCHAR, reference VARCHAR, value VARCHAR, id VARCHAR, settlesAt TIMESTAMPTZ
);

-- What was sent and what came back, once per attempt and key.
CREATE TABLE IF NOT EXISTS receipts (
    push VARCHAR, key VARCHAR, sequence BIGINT, claim VARCHAR, attempt INTEGER, outcome VARCHAR, reason VARCHAR,
    sent VARCHAR, answer VARCHAR, sentAt TIMESTAMPTZ, answeredAt TIMESTAMPTZ
);

-- What a destination changed by itself, as a shop does when it sells: what it has there is sent again once the
-- source was asked for it later. field, value: the part of the key that the record names, such as its SKU, which may
-- be in several places; sentAgain: the source keys of those for which it is done.
CREATE TABLE IF NOT EXISTS affected (push VARCHAR, field VARCHAR, value VARCHAR, affectedAt TIMESTAMPTZ);
ALTER TABLE affected ADD COLUMN IF NOT EXISTS sentAgain VARCHAR[];
-- The one source key that is meant, as where its letter is routed anew; null: every one with that part.
ALTER TABLE affected ADD COLUMN IF NOT EXISTS source VARCHAR;

-- The newest read-back of each push. compared: keys of which something is known, of those drifted and gone; leftOut:
-- under way, or accepted since it began; doubt: why no key, or none of a scope, was taken for gone, null: nothing stood
-- against it.
CREATE TABLE IF NOT EXISTS readbacks (
    push VARCHAR, startedAt TIMESTAMPTZ, finishedAt TIMESTAMPTZ, records BIGINT, compared BIGINT, drifted BIGINT,
    gone BIGINT, leftOut BIGINT, unreadable BIGINT, doubt VARCHAR
);

-- What it found there that is not what was accepted: JSON, false for cleared. field null: the key is gone there, and
-- accepted has all its fields.
CREATE TABLE IF NOT EXISTS drift (
    push VARCHAR, key VARCHAR, source VARCHAR, field VARCHAR, accepted VARCHAR, there VARCHAR
);

-- Where each connection was when it was first used, or said to have moved to: host, port and path, what else tells its
-- account, and the connector. One that was noted without these is noted anew.
DROP TABLE IF EXISTS addresses;
CREATE TABLE IF NOT EXISTS accounts (connection VARCHAR, place VARCHAR, since TIMESTAMPTZ);

-- name: version
SELECT version FROM schema_version

-- name: forget_version
DELETE FROM schema_version

-- name: set_version
INSERT INTO schema_version (version) VALUES (?)

-- name: next_number
UPDATE counters SET value = $count + (SELECT max(value) FROM counters WHERE starts_with(name, $among))
WHERE name = $name RETURNING value

-- name: first_number
INSERT INTO counters (name, value)
SELECT $name, $count + coalesce(max(value), 0) FROM counters WHERE starts_with(name, $among) RETURNING value
