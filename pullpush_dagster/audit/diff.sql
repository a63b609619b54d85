-- name: doubtful
-- Hashes of the keys of which not all is the same, by the hashes of their values: to join numbers takes half the memory
-- that it takes to join the rows themselves. Those alone are compared then, as they are.
WITH doubtful AS MATERIALIZED (
    SELECT coalesce(s.key, b.key) AS key
    FROM (SELECT {hash} AS key, {values} AS hashed FROM {snapshot} AS s) AS s
    FULL OUTER JOIN (
        SELECT {hash} AS key, CASE WHEN NOT ({forgotten} OR {marked} OR b."_unknown" IS NOT NULL) THEN {values} END AS hashed
        FROM {baseline} AS b
    ) AS b ON s.key = b.key
    WHERE s.hashed IS DISTINCT FROM b.hashed OR s.hashed IS NULL
),

-- name: of_doubtful
(SELECT * FROM {rows} WHERE {hash} IN (SELECT key FROM doubtful))

-- name: diff
-- Rows in which anything at all differs, or was unknown, are set apart first: what is worked out of them costs
-- many times as much on the scattered rows that a join leaves.
{first} touched AS MATERIALIZED (
    SELECT s, CASE WHEN NOT {forgotten} THEN b END AS b, {marked} AS marked
    FROM {snapshot} AS s {join} {baseline} AS b ON {same_key}
    WHERE (
        {absent} OR {new} OR {forgotten} OR {marked} OR {differs} OR b."_unknown" IS NOT NULL
        OR (({nothing}) AND s."_cleared" IS DISTINCT FROM b."_cleared")
    ) AND NOT ({absent} AND {forgotten}) AND NOT {stale}
)
SELECT {key}, op, fields, {merged}, "_cleared", "_unknown", before, after, cleared, "_askedAt", known_before, zeroed, jumped
FROM (
    SELECT {keys_of_either},
        CASE WHEN {absent} THEN 'absent'
             WHEN {new} THEN 'insert'
             WHEN {changed_any} THEN 'update' END AS op,
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
        marked
    -- OFFSET 0 keeps the last condition from being worked out up there, on the scattered rows.
    FROM (SELECT s, b, marked FROM touched OFFSET 0)
)
WHERE op IS NOT NULL OR "_unknown" IS DISTINCT FROM unknown_before OR marked
