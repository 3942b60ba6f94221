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
  `id`,
  COUNT(*)
FROM `tailrace_stage`.`build__m`
GROUP BY
  `id`
HAVING
  COUNT(*) > 1
ORDER BY
  `id` NULLS LAST
LIMIT 1
;
CREATE TABLE `marts`.`m` CLONE `tailrace_stage`.`build__m`
;
INSERT INTO `tailrace_meta`.`models` (`model`, `schema_name`, `materialized`, `fingerprint`, `parts`, `rows`, `built_at`, `run_id`, `sql`, `incremental_sql`) SELECT `model`, `schema_name`, `materialized`, `fingerprint`, `parts`, `rows`, `built_at`, `run_id`, `sql`, `incremental_sql` FROM (SELECT JSON_VALUE(_row, '$[0]') AS `model`, JSON_VALUE(_row, '$[1]') AS `schema_name`, JSON_VALUE(_row, '$[2]') AS `materialized`, JSON_VALUE(_row, '$[3]') AS `fingerprint`, JSON_VALUE(_row, '$[4]') AS `parts`, CAST(JSON_VALUE(_row, '$[5]') AS INT64) AS `rows`, CAST(JSON_VALUE(_row, '$[6]') AS TIMESTAMP) AS `built_at`, JSON_VALUE(_row, '$[7]') AS `run_id`, JSON_VALUE(_row, '$[8]') AS `sql`, JSON_VALUE(_row, '$[9]') AS `incremental_sql` FROM UNNEST(JSON_QUERY_ARRAY('[["m","marts","incremental","09b20eb2f02043b1aeb931dd664c5292","{\\"batched\\": false, \\"config\\": {\\"incremental_strategy\\": \\"merge\\", \\"unique_key\\": \\"[\\\\\\"id\\\\\\"]\\"}, \\"data\\": {\\"raw.events\\": \\"1/cb8a6c60\\"}, \\"day\\": null, \\"definition\\": \\"9f0fa0238732e23510de0a49ba5910b1\\", \\"revision\\": \\"run1\\", \\"sql\\": \\"01c1c96cb9aa2a37f2bc32919b831fa6ef92e737409c0fdd8ebca769f0aaa29c\\", \\"unknown\\": {}, \\"upstream\\": {}}","2","2026-01-10 12:00:00+00:00","run1","SELECT\\n  id,\\n  day,\\n  amount\\nFROM raw.events","SELECT\\n  id,\\n  day,\\n  amount\\nFROM raw.events\\nWHERE\\n  day >= (\\n    SELECT\\n      MAX(day)\\n    FROM marts.m\\n  )"]]')) AS _row)
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
  `id`,
  COUNT(*)
FROM `tailrace_stage`.`new__m`
GROUP BY
  `id`
HAVING
  COUNT(*) > 1
ORDER BY
  `id` NULLS LAST
LIMIT 1
;
BEGIN TRANSACTION;
MERGE INTO `marts`.`m` AS DBT_INTERNAL_DEST
USING `tailrace_stage`.`new__m` AS DBT_INTERNAL_SOURCE
ON DBT_INTERNAL_SOURCE.`id` = DBT_INTERNAL_DEST.`id`
WHEN MATCHED THEN UPDATE SET
  `id` = DBT_INTERNAL_SOURCE.`id`,
  `day` = DBT_INTERNAL_SOURCE.`day`,
  `amount` = DBT_INTERNAL_SOURCE.`amount`
WHEN NOT MATCHED THEN INSERT (`id`, `day`, `amount`) VALUES (
  DBT_INTERNAL_SOURCE.`id`,
  DBT_INTERNAL_SOURCE.`day`,
  DBT_INTERNAL_SOURCE.`amount`
);
DELETE FROM `tailrace_meta`.`models`
WHERE
  model IN ('m');
INSERT INTO `tailrace_meta`.`models` (`model`, `schema_name`, `materialized`, `fingerprint`, `parts`, `rows`, `built_at`, `run_id`, `sql`, `incremental_sql`) SELECT `model`, `schema_name`, `materialized`, `fingerprint`, `parts`, `rows`, `built_at`, `run_id`, `sql`, `incremental_sql` FROM (SELECT JSON_VALUE(_row, '$[0]') AS `model`, JSON_VALUE(_row, '$[1]') AS `schema_name`, JSON_VALUE(_row, '$[2]') AS `materialized`, JSON_VALUE(_row, '$[3]') AS `fingerprint`, JSON_VALUE(_row, '$[4]') AS `parts`, CAST(JSON_VALUE(_row, '$[5]') AS INT64) AS `rows`, CAST(JSON_VALUE(_row, '$[6]') AS TIMESTAMP) AS `built_at`, JSON_VALUE(_row, '$[7]') AS `run_id`, JSON_VALUE(_row, '$[8]') AS `sql`, JSON_VALUE(_row, '$[9]') AS `incremental_sql` FROM UNNEST(JSON_QUERY_ARRAY('[["m","marts","incremental","79911c31ac0325aeef6012d17114b757","{\\"batched\\": false, \\"config\\": {\\"incremental_strategy\\": \\"merge\\", \\"unique_key\\": \\"[\\\\\\"id\\\\\\"]\\"}, \\"data\\": {\\"raw.events\\": \\"2/cb8a6c60\\"}, \\"day\\": null, \\"definition\\": \\"9f0fa0238732e23510de0a49ba5910b1\\", \\"revision\\": \\"run2\\", \\"sql\\": \\"01c1c96cb9aa2a37f2bc32919b831fa6ef92e737409c0fdd8ebca769f0aaa29c\\", \\"unknown\\": {}, \\"upstream\\": {}}","2","2026-01-10 13:00:00+00:00","run2","SELECT\\n  id,\\n  day,\\n  amount\\nFROM raw.events","SELECT\\n  id,\\n  day,\\n  amount\\nFROM raw.events\\nWHERE\\n  day >= (\\n    SELECT\\n      MAX(day)\\n    FROM marts.m\\n  )"]]')) AS _row);
COMMIT TRANSACTION;
;
