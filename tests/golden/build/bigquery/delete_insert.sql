-- the first build
CREATE OR REPLACE TABLE `tailrace_stage`.`build__m` AS
SELECT
  id,
  day,
  amount
FROM raw.events
;
SELECT
  COUNT(*)
FROM `tailrace_stage`.`build__m`
WHERE
  `id` IS NULL
;
SELECT
  COUNT(*)
FROM `tailrace_stage`.`build__m`
WHERE
  `day` IS NULL
;
CREATE TABLE `marts`.`m` CLONE `tailrace_stage`.`build__m`
;
INSERT INTO `tailrace_meta`.`models` (`model`, `schema_name`, `materialized`, `fingerprint`, `parts`, `rows`, `built_at`, `run_id`, `sql`, `incremental_sql`) SELECT `model`, `schema_name`, `materialized`, `fingerprint`, `parts`, `rows`, `built_at`, `run_id`, `sql`, `incremental_sql` FROM (SELECT JSON_VALUE(_row, '$[0]') AS `model`, JSON_VALUE(_row, '$[1]') AS `schema_name`, JSON_VALUE(_row, '$[2]') AS `materialized`, JSON_VALUE(_row, '$[3]') AS `fingerprint`, JSON_VALUE(_row, '$[4]') AS `parts`, CAST(JSON_VALUE(_row, '$[5]') AS INT64) AS `rows`, CAST(JSON_VALUE(_row, '$[6]') AS TIMESTAMP) AS `built_at`, JSON_VALUE(_row, '$[7]') AS `run_id`, JSON_VALUE(_row, '$[8]') AS `sql`, JSON_VALUE(_row, '$[9]') AS `incremental_sql` FROM UNNEST(JSON_QUERY_ARRAY('[["m","marts","incremental","21c52edff58c740988f9dc03e6508935","{\\"batched\\": false, \\"config\\": {\\"incremental_strategy\\": \\"delete+insert\\", \\"unique_key\\": \\"[\\\\\\"id\\\\\\", \\\\\\"day\\\\\\"]\\"}, \\"data\\": {\\"raw.events\\": \\"1/cb8a6c60\\"}, \\"day\\": null, \\"definition\\": \\"9f0fa0238732e23510de0a49ba5910b1\\", \\"revision\\": \\"run1\\", \\"sql\\": \\"01c1c96cb9aa2a37f2bc32919b831fa6ef92e737409c0fdd8ebca769f0aaa29c\\", \\"unknown\\": {}, \\"upstream\\": {}}","2","2026-01-10 12:00:00+00:00","run1","SELECT\\n  id,\\n  day,\\n  amount\\nFROM raw.events","SELECT\\n  id,\\n  day,\\n  amount\\nFROM raw.events\\nWHERE\\n  day >= (\\n    SELECT\\n      MAX(day)\\n    FROM marts.m\\n  )"]]')) AS _row)
;
-- the next build
CREATE OR REPLACE TABLE `tailrace_stage`.`new__m` AS
SELECT
  id,
  day,
  amount
FROM raw.events
WHERE
  day >= (
    SELECT
      MAX(day)
    FROM marts.m
  )
;
SELECT
  COUNT(*)
FROM `tailrace_stage`.`new__m`
WHERE
  `id` IS NULL
;
SELECT
  COUNT(*)
FROM `tailrace_stage`.`new__m`
WHERE
  `day` IS NULL
;
BEGIN TRANSACTION;
DELETE FROM `marts`.`m` AS DBT_INTERNAL_DEST
WHERE
  EXISTS(
    SELECT
      1
    FROM `tailrace_stage`.`new__m` AS DBT_INTERNAL_SOURCE
    WHERE
      DBT_INTERNAL_SOURCE.`id` = DBT_INTERNAL_DEST.`id`
      AND DBT_INTERNAL_SOURCE.`day` = DBT_INTERNAL_DEST.`day`
  );
INSERT INTO `marts`.`m` (
  `id`,
  `day`,
  `amount`
)
SELECT
  `id`,
  `day`,
  `amount`
FROM `tailrace_stage`.`new__m`;
DELETE FROM `tailrace_meta`.`models`
WHERE
  model IN ('m');
INSERT INTO `tailrace_meta`.`models` (`model`, `schema_name`, `materialized`, `fingerprint`, `parts`, `rows`, `built_at`, `run_id`, `sql`, `incremental_sql`) SELECT `model`, `schema_name`, `materialized`, `fingerprint`, `parts`, `rows`, `built_at`, `run_id`, `sql`, `incremental_sql` FROM (SELECT JSON_VALUE(_row, '$[0]') AS `model`, JSON_VALUE(_row, '$[1]') AS `schema_name`, JSON_VALUE(_row, '$[2]') AS `materialized`, JSON_VALUE(_row, '$[3]') AS `fingerprint`, JSON_VALUE(_row, '$[4]') AS `parts`, CAST(JSON_VALUE(_row, '$[5]') AS INT64) AS `rows`, CAST(JSON_VALUE(_row, '$[6]') AS TIMESTAMP) AS `built_at`, JSON_VALUE(_row, '$[7]') AS `run_id`, JSON_VALUE(_row, '$[8]') AS `sql`, JSON_VALUE(_row, '$[9]') AS `incremental_sql` FROM UNNEST(JSON_QUERY_ARRAY('[["m","marts","incremental","5f367a8ef0a838fe3a050767242266aa","{\\"batched\\": false, \\"config\\": {\\"incremental_strategy\\": \\"delete+insert\\", \\"unique_key\\": \\"[\\\\\\"id\\\\\\", \\\\\\"day\\\\\\"]\\"}, \\"data\\": {\\"raw.events\\": \\"2/cb8a6c60\\"}, \\"day\\": null, \\"definition\\": \\"9f0fa0238732e23510de0a49ba5910b1\\", \\"revision\\": \\"run2\\", \\"sql\\": \\"01c1c96cb9aa2a37f2bc32919b831fa6ef92e737409c0fdd8ebca769f0aaa29c\\", \\"unknown\\": {}, \\"upstream\\": {}}","2","2026-01-10 13:00:00+00:00","run2","SELECT\\n  id,\\n  day,\\n  amount\\nFROM raw.events","SELECT\\n  id,\\n  day,\\n  amount\\nFROM raw.events\\nWHERE\\n  day >= (\\n    SELECT\\n      MAX(day)\\n    FROM marts.m\\n  )"]]')) AS _row);
COMMIT TRANSACTION;
;
