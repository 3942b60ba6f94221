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
INSERT INTO `tailrace_meta`.`models` (`model`, `schema_name`, `materialized`, `fingerprint`, `parts`, `rows`, `built_at`, `run_id`, `sql`, `incremental_sql`) SELECT `model`, `schema_name`, `materialized`, `fingerprint`, `parts`, `rows`, `built_at`, `run_id`, `sql`, `incremental_sql` FROM (SELECT JSON_VALUE(_row, '$[0]') AS `model`, JSON_VALUE(_row, '$[1]') AS `schema_name`, JSON_VALUE(_row, '$[2]') AS `materialized`, JSON_VALUE(_row, '$[3]') AS `fingerprint`, JSON_VALUE(_row, '$[4]') AS `parts`, CAST(JSON_VALUE(_row, '$[5]') AS INT64) AS `rows`, CAST(JSON_VALUE(_row, '$[6]') AS TIMESTAMP) AS `built_at`, JSON_VALUE(_row, '$[7]') AS `run_id`, JSON_VALUE(_row, '$[8]') AS `sql`, JSON_VALUE(_row, '$[9]') AS `incremental_sql` FROM UNNEST(JSON_QUERY_ARRAY('[["m","marts","table","11f232d2d174e81816f314cb2fe7f5e3","{\\"batched\\": false, \\"config\\": {\\"contract\\": \\"[[[\\\\\\"id\\\\\\", \\\\\\"integer\\\\\\", [{\\\\\\"type\\\\\\": \\\\\\"unique\\\\\\"}, {\\\\\\"type\\\\\\": \\\\\\"not_null\\\\\\"}]]], []]\\"}, \\"data\\": {\\"raw.events\\": \\"1/cb8a6c60\\"}, \\"day\\": null, \\"definition\\": \\"0ba7e8446e8561b59e63c64709e767ee\\", \\"revision\\": \\"\\", \\"sql\\": \\"803bae17ee9d2fc642e7114bd2e55e720c4cbd362a562a1ba92974b57ff33dbb\\", \\"unknown\\": {}, \\"upstream\\": {}}","2","2026-01-10 12:00:00+00:00","run1","SELECT\\n  id\\nFROM raw.events",""]]')) AS _row)
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
INSERT INTO `tailrace_meta`.`models` (`model`, `schema_name`, `materialized`, `fingerprint`, `parts`, `rows`, `built_at`, `run_id`, `sql`, `incremental_sql`) SELECT `model`, `schema_name`, `materialized`, `fingerprint`, `parts`, `rows`, `built_at`, `run_id`, `sql`, `incremental_sql` FROM (SELECT JSON_VALUE(_row, '$[0]') AS `model`, JSON_VALUE(_row, '$[1]') AS `schema_name`, JSON_VALUE(_row, '$[2]') AS `materialized`, JSON_VALUE(_row, '$[3]') AS `fingerprint`, JSON_VALUE(_row, '$[4]') AS `parts`, CAST(JSON_VALUE(_row, '$[5]') AS INT64) AS `rows`, CAST(JSON_VALUE(_row, '$[6]') AS TIMESTAMP) AS `built_at`, JSON_VALUE(_row, '$[7]') AS `run_id`, JSON_VALUE(_row, '$[8]') AS `sql`, JSON_VALUE(_row, '$[9]') AS `incremental_sql` FROM UNNEST(JSON_QUERY_ARRAY('[["m","marts","table","b01575c85a7100534a447fab4c93b525","{\\"batched\\": false, \\"config\\": {\\"contract\\": \\"[[[\\\\\\"id\\\\\\", \\\\\\"integer\\\\\\", [{\\\\\\"type\\\\\\": \\\\\\"unique\\\\\\"}, {\\\\\\"type\\\\\\": \\\\\\"not_null\\\\\\"}]]], []]\\"}, \\"data\\": {\\"raw.events\\": \\"2/cb8a6c60\\"}, \\"day\\": null, \\"definition\\": \\"0ba7e8446e8561b59e63c64709e767ee\\", \\"revision\\": \\"\\", \\"sql\\": \\"803bae17ee9d2fc642e7114bd2e55e720c4cbd362a562a1ba92974b57ff33dbb\\", \\"unknown\\": {}, \\"upstream\\": {}}","3","2026-01-10 13:00:00+00:00","run2","SELECT\\n  id\\nFROM raw.events",""]]')) AS _row);
COMMIT TRANSACTION;
;
