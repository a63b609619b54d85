-- name: lines
-- Every line of an export, as it came.
CREATE OR REPLACE TEMP TABLE lines (place BIGINT, line JSON, parent VARCHAR, kind VARCHAR)

-- name: add
INSERT INTO lines
SELECT place, line, line ->> '$.__parentId', coalesce(line ->> '$.__typename', '')
FROM (SELECT place, CAST(line AS JSON) AS line FROM batch)

-- name: faults
-- Lines that are no object; children of a kind that has no place; children of nobody.
SELECT count(*) FILTER (json_type(line) <> 'OBJECT'),
       count(*) FILTER (parent IS NOT NULL AND NOT ({placed})),
       count(*) FILTER (parent NOT IN (SELECT coalesce(line ->> '$.id', '') FROM lines WHERE parent IS NULL))
FROM lines

-- name: records
-- Each parent with its children where a page has them. What comes apart is whole, so it says so as a page would.
CREATE OR REPLACE TEMP TABLE records AS
SELECT place, {merged} AS item
FROM (SELECT place, line, line ->> '$.id' AS id FROM lines WHERE parent IS NULL)
LEFT JOIN (SELECT parent{lists} FROM lines WHERE parent IS NOT NULL GROUP BY parent) ON parent = id

-- name: pages
SELECT $before || string_agg(CAST(item AS VARCHAR), ',' ORDER BY place) || $behind
FROM (SELECT place, item, (row_number() OVER (ORDER BY place) - 1) // $size AS page FROM records)
GROUP BY page
ORDER BY page
