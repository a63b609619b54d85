-- name: diff
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
        {jumped} AS jumped
    FROM {snapshot} AS s {join} {baseline} AS b ON {same_key}
)
WHERE op IS NOT NULL OR "_unknown" IS DISTINCT FROM unknown_before
