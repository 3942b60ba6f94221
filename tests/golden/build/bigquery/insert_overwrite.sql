-- the first build
CREATE OR REPLACE TABLE `tailrace_stage`.`build__m` PARTITION BY `day` CLUSTER BY `id` OPTIONS(partition_expiration_days=90.0, labels=[('team', 'marketing')]) AS
SELECT
  id,
  day,
  amount
FROM raw.events
;
CREATE TABLE `marts`.`m` CLONE `tailrace_stage`.`build__m`
;
INSERT INTO `tailrace_meta`.`models` (`model`, `schema_name`, `materialized`, `fingerprint`, `parts`, `rows`, `built_at`, `run_id`, `sql`, `incremental_sql`) SELECT `model`, `schema_name`, `materialized`, `fingerprint`, `parts`, `rows`, `built_at`, `run_id`, `sql`, `incremental_sql` FROM (SELECT JSON_VALUE(_row, '$[0]') AS `model`, JSON_VALUE(_row, '$[1]') AS `schema_name`, JSON_VALUE(_row, '$[2]') AS `materialized`, JSON_VALUE(_row, '$[3]') AS `fingerprint`, JSON_VALUE(_row, '$[4]') AS `parts`, CAST(JSON_VALUE(_row, '$[5]') AS INT64) AS `rows`, CAST(JSON_VALUE(_row, '$[6]') AS TIMESTAMP) AS `built_at`, JSON_VALUE(_row, '$[7]') AS `run_id`, JSON_VALUE(_row, '$[8]') AS `sql`, JSON_VALUE(_row, '$[9]') AS `incremental_sql` FROM UNNEST(JSON_QUERY_ARRAY('[["m","marts","incremental","5b0674e98b2aec2779885e59cd6d7f94","{\\"batched\\": false, \\"config\\": {\\"cluster_by\\": \\"[\\\\\\"id\\\\\\"]\\", \\"incremental_strategy\\": \\"insert_overwrite\\", \\"labels\\": \\"[[\\\\\\"team\\\\\\", \\\\\\"marketing\\\\\\"]]\\", \\"partition_by\\": \\"[\\\\\\"day\\\\\\", \\\\\\"date\\\\\\", \\\\\\"day\\\\\\", null]\\", \\"partition_expiration_days\\": \\"90.0\\", \\"require_partition_filter\\": \\"true\\"}, \\"data\\": {\\"raw.events\\": \\"1/cb8a6c60\\"}, \\"day\\": null, \\"definition\\": \\"9f0fa0238732e23510de0a49ba5910b1\\", \\"revision\\": \\"run1\\", \\"sql\\": \\"01c1c96cb9aa2a37f2bc32919b831fa6ef92e737409c0fdd8ebca769f0aaa29c\\", \\"unknown\\": {}, \\"upstream\\": {}}","2","2026-01-10 12:00:00+00:00","run1","SELECT\\n  id,\\n  day,\\n  amount\\nFROM raw.events","SELECT\\n  id,\\n  day,\\n  amount\\nFROM raw.events\\nWHERE\\n  day >= (\\n    SELECT\\n      MAX(day)\\n    FROM marts.m\\n  )"]]')) AS _row)
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
SELECT DISTINCT
  TIMESTAMP_TRUNC(CAST(`day` AS TIMESTAMP), DAY) AS part
FROM `tailrace_stage`.`new__m`
;
BEGIN TRANSACTION;
DELETE FROM `marts`.`m` AS DBT_INTERNAL_DEST
WHERE
  (
    DBT_INTERNAL_DEST.`day` >= DATE '2026-01-09'
    AND DBT_INTERNAL_DEST.`day` < DATE '2026-01-11'
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
INSERT INTO `tailrace_meta`.`models` (`model`, `schema_name`, `materialized`, `fingerprint`, `parts`, `rows`, `built_at`, `run_id`, `sql`, `incremental_sql`) SELECT `model`, `schema_name`, `materialized`, `fingerprint`, `parts`, `rows`, `built_at`, `run_id`, `sql`, `incremental_sql` FROM (SELECT JSON_VALUE(_row, '$[0]') AS `model`, JSON_VALUE(_row, '$[1]') AS `schema_name`, JSON_VALUE(_row, '$[2]') AS `materialized`, JSON_VALUE(_row, '$[3]') AS `fingerprint`, JSON_VALUE(_row, '$[4]') AS `parts`, CAST(JSON_VALUE(_row, '$[5]') AS INT64) AS `rows`, CAST(JSON_VALUE(_row, '$[6]') AS TIMESTAMP) AS `built_at`, JSON_VALUE(_row, '$[7]') AS `run_id`, JSON_VALUE(_row, '$[8]') AS `sql`, JSON_VALUE(_row, '$[9]') AS `incremental_sql` FROM UNNEST(JSON_QUERY_ARRAY('[["m","marts","incremental","02c937707e0af1bec1a264319c15d8cf","{\\"batched\\": false, \\"config\\": {\\"cluster_by\\": \\"[\\\\\\"id\\\\\\"]\\", \\"incremental_strategy\\": \\"insert_overwrite\\", \\"labels\\": \\"[[\\\\\\"team\\\\\\", \\\\\\"marketing\\\\\\"]]\\", \\"partition_by\\": \\"[\\\\\\"day\\\\\\", \\\\\\"date\\\\\\", \\\\\\"day\\\\\\", null]\\", \\"partition_expiration_days\\": \\"90.0\\", \\"require_partition_filter\\": \\"true\\"}, \\"data\\": {\\"raw.events\\": \\"2/cb8a6c60\\"}, \\"day\\": null, \\"definition\\": \\"9f0fa0238732e23510de0a49ba5910b1\\", \\"revision\\": \\"run2\\", \\"sql\\": \\"01c1c96cb9aa2a37f2bc32919b831fa6ef92e737409c0fdd8ebca769f0aaa29c\\", \\"unknown\\": {}, \\"upstream\\": {}}","2","2026-01-10 13:00:00+00:00","run2","SELECT\\n  id,\\n  day,\\n  amount\\nFROM raw.events","SELECT\\n  id,\\n  day,\\n  amount\\nFROM raw.events\\nWHERE\\n  day >= (\\n    SELECT\\n      MAX(day)\\n    FROM marts.m\\n  )"]]')) AS _row);
COMMIT TRANSACTION;
;
