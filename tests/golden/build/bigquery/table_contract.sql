-- the first build
CREATE OR REPLACE TABLE `tailrace_stage`.`build__m` AS
SELECT
  id
FROM raw.events
;
SELECT
  COUNT(*)
FROM (
  SELECT
    `id`
  FROM `tailrace_stage`.`build__m`
  WHERE
    NOT (
      `id`
    ) IS NULL
  GROUP BY ALL
  HAVING
    COUNT(*) > 1
)
;
SELECT
  COUNT(*)
FROM `tailrace_stage`.`build__m`
WHERE
  `id` IS NULL
;
CREATE TABLE `marts`.`m` CLONE `tailrace_stage`.`build__m`
;
INSERT INTO `tailrace_meta`.`models` (
  model,
  schema_name,
  materialized,
  fingerprint,
  parts,
  `rows`,
  built_at,
  run_id,
  sql,
  incremental_sql
)
VALUES
  (
    'm',
    'marts',
    'table',
    '11f232d2d174e81816f314cb2fe7f5e3',
    '{"batched": false, "config": {"contract": "[[[\\"id\\", \\"integer\\", [{\\"type\\": \\"unique\\"}, {\\"type\\": \\"not_null\\"}]]], []]"}, "data": {"raw.events": "1/cb8a6c60"}, "day": null, "definition": "0ba7e8446e8561b59e63c64709e767ee", "revision": "", "sql": "803bae17ee9d2fc642e7114bd2e55e720c4cbd362a562a1ba92974b57ff33dbb", "unknown": {}, "upstream": {}}',
    2,
    CAST('2026-01-10 12:00:00' AS TIMESTAMP),
    'run1',
    'SELECT\n  id\nFROM raw.events',
    ''
  )
;
-- the next build
CREATE OR REPLACE TABLE `tailrace_stage`.`build__m` AS
SELECT
  id
FROM raw.events
;
SELECT
  COUNT(*)
FROM (
  SELECT
    `id`
  FROM `tailrace_stage`.`build__m`
  WHERE
    NOT (
      `id`
    ) IS NULL
  GROUP BY ALL
  HAVING
    COUNT(*) > 1
)
;
SELECT
  COUNT(*)
FROM `tailrace_stage`.`build__m`
WHERE
  `id` IS NULL
;
CREATE OR REPLACE TABLE `marts`.`m` AS SELECT * FROM `tailrace_stage`.`build__m`
;
BEGIN TRANSACTION;
DELETE FROM `tailrace_meta`.`models`
WHERE
  model IN ('m');
INSERT INTO `tailrace_meta`.`models` (
  model,
  schema_name,
  materialized,
  fingerprint,
  parts,
  `rows`,
  built_at,
  run_id,
  sql,
  incremental_sql
)
VALUES
  (
    'm',
    'marts',
    'table',
    'b01575c85a7100534a447fab4c93b525',
    '{"batched": false, "config": {"contract": "[[[\\"id\\", \\"integer\\", [{\\"type\\": \\"unique\\"}, {\\"type\\": \\"not_null\\"}]]], []]"}, "data": {"raw.events": "2/cb8a6c60"}, "day": null, "definition": "0ba7e8446e8561b59e63c64709e767ee", "revision": "", "sql": "803bae17ee9d2fc642e7114bd2e55e720c4cbd362a562a1ba92974b57ff33dbb", "unknown": {}, "upstream": {}}',
    3,
    CAST('2026-01-10 13:00:00' AS TIMESTAMP),
    'run2',
    'SELECT\n  id\nFROM raw.events',
    ''
  );
COMMIT TRANSACTION;
;
