-- name: tables
-- One row per key of the source as last pulled (canonical_*), and as last accepted (baseline_*).
CREATE TABLE IF NOT EXISTS {canonical} (
    _connection VARCHAR, _name VARCHAR, _partition VARCHAR, _frame BIGINT, _askedAt TIMESTAMPTZ, _externalId VARCHAR,
    {typed}, _cleared VARCHAR[]
);
CREATE TABLE IF NOT EXISTS {baseline} (
    _connection VARCHAR, _name VARCHAR, _scope VARCHAR, _askedAt TIMESTAMPTZ, _deleted BOOLEAN,
    _absent INTEGER, _absentPull BIGINT, _unknown STRUCT(field VARCHAR, since TIMESTAMPTZ)[],
    {typed}, _cleared VARCHAR[]
)

-- name: fields
-- A third of the time of a look at the table itself.
SELECT name FROM pragma_table_info({table})

-- name: add_field
ALTER TABLE {table} ADD COLUMN {field} {type}

-- name: unreadable
-- A record without a readable key stands for the key that its id was last bound to, as far as that is one. What cannot
-- be told of a known record may be any key's. inferred: it does not name its key itself.
SELECT *, key IS NULL AND (id IS NULL OR known) AS nameless, key IS NOT NULL AND NOT named AS inferred FROM (
    SELECT q.*, json_extract_string(q._externalId, '$.id') AS id, b.id IS NOT NULL AS known, {key_in_json} AS named,
           CASE WHEN {key_in_json} THEN q._key WHEN {key_told} THEN CAST(to_json({{{told_key_fields}}}) AS VARCHAR) END AS key
    FROM {records} AS q
    LEFT JOIN (
        SELECT id, {bound_parts} FROM bindings WHERE connection = {connection} AND entity = $bound_as
            AND id IN (SELECT json_extract_string(_externalId, '$.id') FROM {records})
        GROUP BY id
    ) AS b ON b.id = json_extract_string(q._externalId, '$.id')
)

-- name: without_own_key
-- Records that stand for the key they were last bound to, here or by what earlier pulls saw.
SELECT id, CAST(to_json({{{bound_key_in_json}}}) AS VARCHAR) AS key, askedAt FROM bad WHERE inferred
UNION ALL
SELECT json_extract_string(externalId, '$.id'), CAST(to_json({{{bound_key_in_json}}}) AS VARCHAR), askedAt FROM quarantine
WHERE connection = $connection AND name = $name AND inferred AND askedAt <= $started

-- name: given
-- Ids of which this pull tells.
SELECT json_extract_string(_externalId, '$.id') FROM frame_rows WHERE _externalId IS NOT NULL
UNION ALL SELECT json_extract_string(_externalId, '$.id') FROM frame_shadowed WHERE _externalId IS NOT NULL
UNION ALL SELECT id FROM bad WHERE id IS NOT NULL

-- name: seen_since
-- What is known from later than this pull's beginning. A binding that is confirmed stays as it is, its row does not.
SELECT id, externalId, seenAt FROM bindings WHERE connection = $connection AND entity = $bound_as AND seenAt > $started
UNION ALL
SELECT json_extract_string(_externalId, '$.id'), _externalId, _askedAt FROM {canonical}
WHERE _connection = $connection AND _name = $name AND _askedAt > $started

-- name: quarantined
CREATE TEMP TABLE bad AS
SELECT _page AS page, _row AS row, _askedAt AS askedAt, _externalId AS externalId, _live AS live, reasons, id, key, nameless, inferred
FROM ({unreadable})

-- name: inferred
SELECT count(*) FROM ({without_own_key})

-- name: given_up
-- A key that a record no longer names is another one's that does.
CREATE TEMP TABLE given_up AS
SELECT old.id, max(old.askedAt) AS askedAt FROM ({without_own_key}) AS old JOIN (
    SELECT json_extract_string(_externalId, '$.id') AS id, CAST(to_json({{{bound_key}}}) AS VARCHAR) AS key
    FROM frame_rows WHERE _live
) AS new ON new.key = old.key AND new.id IS DISTINCT FROM old.id
GROUP BY old.id

-- name: disown
UPDATE bad SET key = NULL, inferred = false WHERE inferred AND id IN (SELECT id FROM given_up)

-- name: disown_before
-- The record itself cannot be used until it is read again.
UPDATE quarantine SET key = NULL, inferred = false WHERE connection = $connection AND name = $name AND inferred
    AND askedAt <= $started AND json_extract_string(externalId, '$.id') IN (SELECT id FROM given_up)

-- name: unbind_given_up
DELETE FROM bindings AS old USING given_up AS new
WHERE old.connection = $connection AND old.entity = $bound_as AND old.id = new.id AND old.seenAt <= new.askedAt

-- name: overtaken
-- What was read well later on is not undone by an older reading that cannot be read.
DELETE FROM bad USING {canonical} AS old
WHERE old._connection = $connection AND old._name = $name AND bad.key = CAST(to_json({{{old_key_fields}}}) AS VARCHAR)
    AND old._askedAt > bad.askedAt

-- name: said
SELECT count(*), count(*) FILTER (nameless) FROM bad

-- name: rivals
-- Keys that a record outside this pull claims too, by what earlier pulls saw: none of the two may be used.
INSERT INTO bad BY NAME
SELECT r._page AS page, r._row AS row, max(r._askedAt) AS askedAt, r._externalId AS externalId, true AS live,
       json_extract_string(r._externalId, '$.id') AS id, r._rowkey AS key, ['{key_names}: record ' || min(b.id) || ' of the source claims this key too'] AS reasons
FROM (SELECT *, 0 AS _page, 0 AS _row, CAST(to_json({{{key_fields}}}) AS VARCHAR) AS _rowkey,
             CAST(to_json({{{bound_key}}}) AS VARCHAR) AS _boundkey FROM frame_rows WHERE _live) AS r
JOIN bindings AS b ON b.connection = $connection AND b.entity = $bound_as AND b.key = r._boundkey AND b.live
    AND b.id <> json_extract_string(r._externalId, '$.id') AND b.id NOT IN ({given})
GROUP BY r._externalId, r._rowkey, r._page, r._row

-- name: kept
-- Whole rows stay in the frame: to copy them takes as long as to put them where they belong.
CREATE TEMP TABLE kept AS
SELECT _id, {key}, _askedAt, {partition} AS _partition
FROM frame_rows
WHERE CAST(to_json({{{key_fields}}}) AS VARCHAR) NOT IN (SELECT key FROM bad WHERE key IS NOT NULL)

-- name: shadowed
-- A record out of use does not take the key of one in use that this pull did not give.
DELETE FROM kept WHERE _id IN (
    SELECT r._id FROM (SELECT *, CAST(to_json({{{bound_key}}}) AS VARCHAR) AS _boundkey FROM frame_rows WHERE NOT _live) AS r
    JOIN bindings AS b ON b.connection = $connection AND b.entity = $bound_as AND b.key = r._boundkey AND b.live
        AND b.id <> json_extract_string(r._externalId, '$.id') AND b.id NOT IN ({given})
)

-- name: claimed
CREATE TEMP TABLE claimed AS
SELECT id, externalId, live, key, max(askedAt) AS askedAt FROM (
    SELECT json_extract_string(_externalId, '$.id') AS id, _externalId AS externalId, _live AS live,
           CAST(to_json({{{bound_key}}}) AS VARCHAR) AS key, _askedAt AS askedAt
    FROM frame_rows
    UNION ALL
    SELECT id, externalId, live, CAST(to_json({{{bound_key_in_json}}}) AS VARCHAR), askedAt FROM bad
    UNION ALL
    SELECT json_extract_string(_externalId, '$.id'), _externalId, false,
           CAST(to_json({{{bound_key_in_json}}}) AS VARCHAR), _askedAt
    FROM (SELECT *, _key AS key FROM frame_shadowed)
)
WHERE id IS NOT NULL AND {bound_key_known}
GROUP BY id, externalId, live, key

-- name: vanished
-- An item that a whole pull no longer has keeps no key from the one that took its place.
DELETE FROM bindings WHERE connection = $connection AND entity = $bound_as AND seenAt < $started
    AND id NOT IN (
        SELECT id FROM claimed
        UNION ALL SELECT json_extract_string(_externalId, '$.id') FROM frame_quarantined WHERE _externalId IS NOT NULL
    )

-- name: since
SELECT count(*) FROM ({seen_since})

-- name: outdated_claims
-- What was seen later of a record is not undone by an older reading. Of records that share an id, each has its own.
UPDATE claimed AS new SET externalId = old.externalId, live = old.live, key = old.key
FROM (
    SELECT id, externalId, b.live, b.key, max(since.seenAt) AS seenAt
    FROM ({seen_since}) AS since JOIN bindings AS b USING (id, externalId)
    WHERE b.connection = $connection AND b.entity = $bound_as
    GROUP BY ALL
) AS old
WHERE old.id = new.id AND old.seenAt > new.askedAt
    AND (old.externalId = new.externalId OR new.id NOT IN (SELECT id FROM claimed GROUP BY id HAVING count(*) > 1))

-- name: keyless_since
-- One that has no key since claims none.
DELETE FROM claimed AS new USING quarantine AS old
WHERE {standing} AND old.key IS NULL AND old.externalId = new.externalId AND old.askedAt > new.askedAt

-- name: new_items
-- Items in use that were not known under these keys.
CREATE TEMP TABLE new_items AS
SELECT DISTINCT key FROM claimed AS new WHERE live AND NOT EXISTS (
    FROM bindings AS old
    WHERE old.connection = $connection AND old.entity = $bound_as AND old.id = new.id AND old.key = new.key
)

-- name: unbind
-- Several records of a platform may have one id, such as that of their warehouse.
DELETE FROM bindings AS old
WHERE old.connection = $connection AND old.entity = $bound_as AND old.id IN (SELECT id FROM claimed) AND NOT EXISTS (
    FROM claimed AS new
    WHERE new.id = old.id AND new.key = old.key AND new.live = old.live AND new.externalId = old.externalId
)

-- name: bind
INSERT INTO bindings (connection, entity, key, id, externalId, live, seenAt)
SELECT $connection, $bound_as, key, id, externalId, live, askedAt FROM claimed AS new
WHERE NOT EXISTS (
    FROM bindings AS old WHERE old.connection = $connection AND old.entity = $bound_as
        AND old.id = new.id AND old.key = new.key AND old.live = new.live AND old.externalId = new.externalId
)

-- name: release
-- A full pull speaks for its whole scope as it was when it began.
DELETE FROM quarantine WHERE connection = $connection AND name = $name AND scope = $scope
    AND (pull = $pull OR $full AND (askedAt IS NULL OR askedAt <= $started))

-- name: standing
SELECT count(*) FROM quarantine WHERE connection = $connection AND name = $name AND scope = $scope

-- name: release_given
-- Any pull speaks for the records it gave, and for keys that it gave well, as they were when it asked.
-- A column of Arrow's as it is may not be joined: DuckDB hands it a filter that Arrow's scan does not know.
DELETE FROM quarantine WHERE rowid IN (
    SELECT old.rowid FROM quarantine AS old JOIN (
        SELECT _externalId || '' AS externalId, _askedAt AS askedAt FROM frame_rows
        UNION ALL SELECT _externalId || '', _askedAt FROM frame_quarantined
        UNION ALL SELECT _externalId || '', _askedAt FROM frame_shadowed
    ) AS new USING (externalId)
    WHERE {standing} AND (old.askedAt IS NULL OR old.askedAt <= new.askedAt)
    UNION ALL
    SELECT old.rowid FROM quarantine AS old JOIN kept AS new ON old.key = CAST(to_json({{{new_key_fields}}}) AS VARCHAR)
    WHERE {standing} AND (old.askedAt IS NULL OR old.askedAt <= new._askedAt)
)

-- name: unreadable_since
-- What could not be read later on is not replaced by what it was before.
DELETE FROM kept AS new USING quarantine AS old
WHERE {standing} AND old.key = CAST(to_json({{{new_key_fields}}}) AS VARCHAR) AND old.askedAt > new._askedAt

-- name: quarantine
-- A record that stands there still was read later on.
INSERT INTO quarantine (connection, name, scope, pull, page, row, externalId, key, reasons, askedAt, inferred)
SELECT $connection, $name, $scope, $pull, page, row, externalId, key, reasons, askedAt, coalesce(inferred, false) FROM bad
WHERE NOT EXISTS (FROM quarantine AS old WHERE {standing} AND old.externalId = bad.externalId)

-- name: unheard
-- Whether there is what no audit has looked at, be it accepted or held.
SELECT count(*) FROM {canonical} WHERE _connection = $connection AND _name = $name AND {in_scope} AND {unheard_of}

-- name: unheard_of
({of_this}) IS NOT TRUE AND _frame > {heard_through}

-- name: reread
-- Whether an earlier reading of this very pull is among that.
SELECT count(*) FROM pulls WHERE pull = $pull AND frame > {heard_through}

-- name: heard_through
(SELECT coalesce(max(throughFrame), 0) FROM audits WHERE connection = $connection AND name = $name AND scope = $scope)

-- name: newer
-- A table of its own: a column of Arrow's as it is may not be joined.
CREATE TEMP TABLE newer AS SELECT {columns}, _cleared FROM frame_rows

-- name: silenced
SELECT count(*) FROM {canonical} AS old JOIN newer AS new ON {same_key}
WHERE _connection = $connection AND _name = $name AND {in_scope} AND {unheard_of} AND ({less})

-- name: unread
SELECT count(*) FROM {canonical} AS old JOIN ({unreadable}) AS bad ON bad.key = CAST(to_json({{{old_key_fields}}}) AS VARCHAR)
WHERE _connection = $connection AND _name = $name AND {in_scope} AND {unheard_of} AND old._askedAt <= bad._askedAt

-- name: unaccepted
SELECT count(*) FROM {canonical} WHERE _connection = $connection AND _name = $name AND {in_scope} AND NOT {audited}

-- name: untold
-- Rows that an audit has held, with more than the newer reading says. Not what is older than what is known.
CREATE TEMP TABLE untold AS
SELECT old.* FROM {canonical} AS old
JOIN (SELECT {columns}, _cleared FROM frame_rows JOIN (SELECT _id FROM kept) USING (_id)) AS new ON {same_key}
WHERE _connection = $connection AND _name = $name AND {in_scope} AND NOT {audited} AND ({of_this}) IS NOT TRUE AND ({less})
    AND _askedAt >= coalesce((
        SELECT max(fullStartedAt) FROM audits
        WHERE connection = $connection AND name = $name AND scope = $scope AND state = 'accepted'
    ), _askedAt)
    AND NOT EXISTS (
        FROM {baseline} AS known WHERE known._connection = $connection AND known._name = $name AND {same_key_known}
            AND (known._askedAt > old._askedAt OR {older})
    )

-- name: take_along
-- Under the frame they came with: of a held set they have not been read again.
UPDATE {canonical} AS new SET {taken}, _cleared = list_concat(new._cleared, {taken_cleared}), _frame = old._frame
FROM untold AS old WHERE new._connection = $connection AND new._name = $name AND new._frame = $frame AND {same_key}

-- name: replace_scope
DELETE FROM {canonical} WHERE _connection = $connection AND _name = $name AND {in_scope} AND ({before_this} OR {of_this})

-- name: replace_given
-- A full pull that fell short says nothing of what it did not give, so what no audit has looked at stays.
DELETE FROM {canonical} WHERE _connection = $connection AND _name = $name AND {in_scope}
    AND ({before_this} AND {audited} OR {of_this})

-- name: replace_window
-- A partition has rows that its window does not ask for: older ones, and those without a stamp.
DELETE FROM {canonical} WHERE _connection = $connection AND _name = $name
    AND _partition >= $first AND _partition < $last AND ({before_this} AND {audited} OR {of_this})

-- name: drop_bad
DELETE FROM {canonical} AS old USING (SELECT DISTINCT key FROM bad) AS bad
WHERE old._connection = $connection AND old._name = $name AND bad.key = CAST(to_json({{{old_key_fields}}}) AS VARCHAR)

-- name: outdated
DELETE FROM kept AS new USING {canonical} AS old
WHERE old._connection = $connection AND old._name = $name AND {same_key} AND old._askedAt > new._askedAt

-- name: replace_keys
DELETE FROM {canonical} AS old USING kept AS new
WHERE old._connection = $connection AND old._name = $name AND {same_key}

-- name: rows
INSERT INTO {canonical} (_connection, _name, _partition, _frame, _askedAt, _externalId, {columns}, _cleared)
SELECT $connection, $name, kept._partition, $frame, _askedAt, _externalId, {columns}, _cleared
FROM frame_rows JOIN (SELECT _id, _partition FROM kept) AS kept USING (_id)

-- name: mapped
UPDATE pulls SET frame = $frame, mappedAt = $now, rows = $rows, quarantined = $quarantined, deletesOff = $deletes_off
WHERE pull = $pull
