-- name: doubtful
-- Rows that have no partner of the same key and the same values: to join hashes of those takes half the memory that it
-- takes to join the rows themselves. Known rows are named by their place, as few are looked up afterwards.
WITH doubtful AS MATERIALIZED (
    SELECT s, place FROM (SELECT s, {hash} AS key, {values} AS hashed FROM {snapshot} AS s) AS s
    FULL OUTER JOIN (
        SELECT b.rowid AS place, {hash} AS key,
            CASE WHEN NOT ({forgotten} OR {moved} OR {marked} OR b."_unknown" IS NOT NULL) THEN {values} END AS hashed
        FROM {baseline} AS b
    ) AS b ON s.key = b.key AND s.hashed = b.hashed
    WHERE s.key IS NULL OR b.key IS NULL
),

-- name: doubtful_snapshot
(SELECT unnest(s) FROM doubtful WHERE place IS NULL)

-- name: doubtful_baseline
(FROM {baseline} WHERE rowid IN (SELECT place FROM doubtful WHERE place IS NOT NULL))

-- name: diff
-- Rows in which anything at all differs, or was unknown, are set apart first: what is worked out of them costs
-- many times as much on the scattered rows that a join leaves.
{first} touched AS MATERIALIZED (
    SELECT s, CASE WHEN NOT {forgotten} THEN b END AS b, b.rowid AS place, {moved} AS moved, {marked} AS marked
    FROM {snapshot} AS s {join} {baseline} AS b ON {same_key}
    WHERE (
        {absent} OR {new} OR {forgotten} OR {moved} OR {marked} OR {differs} OR b."_unknown" IS NOT NULL
        OR (({nothing}) AND s."_cleared" IS DISTINCT FROM b."_cleared")
    ) AND NOT ({absent} AND ({forgotten} OR {elsewhere})) AND NOT {stale}
)
SELECT {key}, op, fields, {merged}, "_cleared", "_unknown", before, after, cleared, "_askedAt", known_before, zeroed, jumped,
    place AS _place
FROM (
    SELECT {keys_of_either},
        CASE WHEN {absent} THEN 'absent'
             WHEN {new} THEN 'insert'
             WHEN {changed_any} THEN 'update'
             WHEN moved THEN 'insert' END AS op,
        {changed_fields} AS fields,
        {merged_fields},
        {merged_cleared} AS "_cleared",
        {merged_unknown} AS "_unknown",
        {before} AS before,
        {after} AS after,
        {cleared_now} AS cleared,
        s."_askedAt",
        b."_unknown" AS unknown_before,
        NOT {new} AS known_before,
        {zeroed} AS zeroed,
        {jumped} AS jumped,
        marked, place
    -- OFFSET 0 keeps the last condition from being worked out up there, on the scattered rows.
    FROM (SELECT s, b, place, moved, marked FROM touched OFFSET 0)
)
WHERE op IS NOT NULL OR "_unknown" IS DISTINCT FROM unknown_before OR marked
