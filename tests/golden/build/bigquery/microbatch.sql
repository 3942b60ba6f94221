-- the first build
SELECT TIMESTAMP_TRUNC(CAST(`day` AS TIMESTAMP), DAY) AS batch, COUNT(*) AS n, BIT_XOR(f) AS x, SUM(MOD(f, 1000000007)) AS s
FROM (SELECT `day`, FARM_FINGERPRINT(TO_JSON_STRING(STRUCT(`id`, `day`, `amount`))) AS f FROM `raw`.`events` WHERE `day` >= DATE '2026-01-08' AND `day` < DATE '2026-01-11')
GROUP BY batch
;
CREATE OR REPLACE TABLE `tailrace_stage`.`rebuild__m` PARTITION BY `day` OPTIONS(expiration_timestamp=TIMESTAMP_ADD(CURRENT_TIMESTAMP(), INTERVAL 168 HOUR)) AS SELECT * FROM (
SELECT
  day,
  amount
FROM (
  SELECT
    *
  FROM `raw`.`events`
  WHERE
    CAST(`day` AS TIMESTAMP) >= CAST('2026-01-08 00:00:00' AS TIMESTAMP)
    AND CAST(`day` AS TIMESTAMP) < CAST('2026-01-09 00:00:00' AS TIMESTAMP)
)
) WHERE FALSE
;
CREATE OR REPLACE TABLE `tailrace_stage`.`batch0__m` AS SELECT `day`, `amount` FROM (
SELECT
  day,
  amount
FROM (
  SELECT
    *
  FROM `raw`.`events`
  WHERE
    `day` >= DATE '2026-01-08'
    AND `day` < DATE '2026-01-09'
)
) AS new WHERE `day` >= DATE '2026-01-08' AND `day` < DATE '2026-01-09'
;
BEGIN TRANSACTION;
INSERT INTO `tailrace_meta`.`intervals` (`model`, `batch_start`, `batch_end`, `fingerprint`, `inputs`, `rows`, `built_at`, `run_id`, `complete`) SELECT `model`, `batch_start`, `batch_end`, `fingerprint`, `inputs`, `rows`, `built_at`, `run_id`, `complete` FROM (SELECT JSON_VALUE(_row, '$[0]') AS `model`, CAST(JSON_VALUE(_row, '$[1]') AS TIMESTAMP) AS `batch_start`, CAST(JSON_VALUE(_row, '$[2]') AS TIMESTAMP) AS `batch_end`, JSON_VALUE(_row, '$[3]') AS `fingerprint`, JSON_VALUE(_row, '$[4]') AS `inputs`, CAST(JSON_VALUE(_row, '$[5]') AS INT64) AS `rows`, CAST(JSON_VALUE(_row, '$[6]') AS TIMESTAMP) AS `built_at`, JSON_VALUE(_row, '$[7]') AS `run_id`, CAST(JSON_VALUE(_row, '$[8]') AS BOOL) AS `complete` FROM UNNEST(JSON_QUERY_ARRAY('[["m","2026-01-08 00:00:00+00:00","2026-01-09 00:00:00+00:00","97606598b71e33730f18d7aabb64824b","{\\"columns of raw.events by day\\": \\"6527af4949f6031f2424d21a3bd8839a\\", \\"raw.events by day\\": \\"1--259562258093558401--276622609\\"}","1","2026-01-10 12:00:00+00:00","run1","false"]]')) AS _row);
DELETE FROM `tailrace_stage`.`rebuild__m` WHERE `day` >= DATE '2026-01-08' AND `day` < DATE '2026-01-09';
INSERT INTO `tailrace_stage`.`rebuild__m` (`day`, `amount`) SELECT `day`, `amount` FROM `tailrace_stage`.`batch0__m`;
COMMIT TRANSACTION;
;
CREATE OR REPLACE TABLE `tailrace_stage`.`batch0__m` AS SELECT `day`, `amount` FROM (
SELECT
  day,
  amount
FROM (
  SELECT
    *
  FROM `raw`.`events`
  WHERE
    `day` >= DATE '2026-01-09'
    AND `day` < DATE '2026-01-10'
)
) AS new WHERE `day` >= DATE '2026-01-09' AND `day` < DATE '2026-01-10'
;
BEGIN TRANSACTION;
INSERT INTO `tailrace_meta`.`intervals` (`model`, `batch_start`, `batch_end`, `fingerprint`, `inputs`, `rows`, `built_at`, `run_id`, `complete`) SELECT `model`, `batch_start`, `batch_end`, `fingerprint`, `inputs`, `rows`, `built_at`, `run_id`, `complete` FROM (SELECT JSON_VALUE(_row, '$[0]') AS `model`, CAST(JSON_VALUE(_row, '$[1]') AS TIMESTAMP) AS `batch_start`, CAST(JSON_VALUE(_row, '$[2]') AS TIMESTAMP) AS `batch_end`, JSON_VALUE(_row, '$[3]') AS `fingerprint`, JSON_VALUE(_row, '$[4]') AS `inputs`, CAST(JSON_VALUE(_row, '$[5]') AS INT64) AS `rows`, CAST(JSON_VALUE(_row, '$[6]') AS TIMESTAMP) AS `built_at`, JSON_VALUE(_row, '$[7]') AS `run_id`, CAST(JSON_VALUE(_row, '$[8]') AS BOOL) AS `complete` FROM UNNEST(JSON_QUERY_ARRAY('[["m","2026-01-09 00:00:00+00:00","2026-01-10 00:00:00+00:00","97606598b71e33730f18d7aabb64824b","{\\"columns of raw.events by day\\": \\"6527af4949f6031f2424d21a3bd8839a\\", \\"raw.events by day\\": \\"1--6328429115802443512--503440015\\"}","1","2026-01-10 12:00:00+00:00","run1","false"]]')) AS _row);
DELETE FROM `tailrace_stage`.`rebuild__m` WHERE `day` >= DATE '2026-01-09' AND `day` < DATE '2026-01-10';
INSERT INTO `tailrace_stage`.`rebuild__m` (`day`, `amount`) SELECT `day`, `amount` FROM `tailrace_stage`.`batch0__m`;
COMMIT TRANSACTION;
;
CREATE OR REPLACE TABLE `tailrace_stage`.`batch0__m` AS SELECT `day`, `amount` FROM (
SELECT
  day,
  amount
FROM (
  SELECT
    *
  FROM `raw`.`events`
  WHERE
    `day` >= DATE '2026-01-10'
    AND `day` < DATE '2026-01-11'
)
) AS new WHERE `day` >= DATE '2026-01-10' AND `day` < DATE '2026-01-11'
;
BEGIN TRANSACTION;
INSERT INTO `tailrace_meta`.`intervals` (`model`, `batch_start`, `batch_end`, `fingerprint`, `inputs`, `rows`, `built_at`, `run_id`, `complete`) SELECT `model`, `batch_start`, `batch_end`, `fingerprint`, `inputs`, `rows`, `built_at`, `run_id`, `complete` FROM (SELECT JSON_VALUE(_row, '$[0]') AS `model`, CAST(JSON_VALUE(_row, '$[1]') AS TIMESTAMP) AS `batch_start`, CAST(JSON_VALUE(_row, '$[2]') AS TIMESTAMP) AS `batch_end`, JSON_VALUE(_row, '$[3]') AS `fingerprint`, JSON_VALUE(_row, '$[4]') AS `inputs`, CAST(JSON_VALUE(_row, '$[5]') AS INT64) AS `rows`, CAST(JSON_VALUE(_row, '$[6]') AS TIMESTAMP) AS `built_at`, JSON_VALUE(_row, '$[7]') AS `run_id`, CAST(JSON_VALUE(_row, '$[8]') AS BOOL) AS `complete` FROM UNNEST(JSON_QUERY_ARRAY('[["m","2026-01-10 00:00:00+00:00","2026-01-11 00:00:00+00:00","97606598b71e33730f18d7aabb64824b","{\\"columns of raw.events by day\\": \\"6527af4949f6031f2424d21a3bd8839a\\", \\"raw.events by day\\": \\"0\\"}","0","2026-01-10 12:00:00+00:00","run1","false"]]')) AS _row);
DELETE FROM `tailrace_stage`.`rebuild__m` WHERE `day` >= DATE '2026-01-10' AND `day` < DATE '2026-01-11';
COMMIT TRANSACTION;
;
CREATE TABLE `marts`.`m` CLONE `tailrace_stage`.`rebuild__m`
;
SELECT
  COUNT(*)
FROM `tailrace_stage`.`rebuild__m`
;
BEGIN TRANSACTION;
UPDATE `tailrace_meta`.`intervals` SET complete = TRUE, fingerprint = '218b3e0f00d585afb6a01e8414a5793d'
WHERE
  model = 'm';
INSERT INTO `tailrace_meta`.`models` (`model`, `schema_name`, `materialized`, `fingerprint`, `parts`, `rows`, `built_at`, `run_id`, `sql`, `incremental_sql`) SELECT `model`, `schema_name`, `materialized`, `fingerprint`, `parts`, `rows`, `built_at`, `run_id`, `sql`, `incremental_sql` FROM (SELECT JSON_VALUE(_row, '$[0]') AS `model`, JSON_VALUE(_row, '$[1]') AS `schema_name`, JSON_VALUE(_row, '$[2]') AS `materialized`, JSON_VALUE(_row, '$[3]') AS `fingerprint`, JSON_VALUE(_row, '$[4]') AS `parts`, CAST(JSON_VALUE(_row, '$[5]') AS INT64) AS `rows`, CAST(JSON_VALUE(_row, '$[6]') AS TIMESTAMP) AS `built_at`, JSON_VALUE(_row, '$[7]') AS `run_id`, JSON_VALUE(_row, '$[8]') AS `sql`, JSON_VALUE(_row, '$[9]') AS `incremental_sql` FROM UNNEST(JSON_QUERY_ARRAY('[["m","marts","incremental","efcfae018c66bae08f7baf0f005390ed","{\\"batched\\": true, \\"config\\": {\\"batch_size\\": \\"day\\", \\"begin\\": \\"2026-01-08T00:00:00+00:00\\", \\"event_time\\": \\"day\\", \\"incremental_strategy\\": \\"microbatch\\", \\"partition_by\\": \\"[\\\\\\"day\\\\\\", \\\\\\"date\\\\\\", \\\\\\"day\\\\\\", null]\\"}, \\"data\\": {\\"raw.events\\": \\"1/cb8a6c60\\"}, \\"day\\": \\"2026-01-10T00:00:00+00:00\\", \\"definition\\": \\"b445eb115b916f703999b0a5407a66b8\\", \\"revision\\": \\"run1\\", \\"sql\\": \\"dfdb004d57185d5f5d11cc0a729b50c7c417dc2e43cdfd758d3ecb2b313ae139\\", \\"unknown\\": {}, \\"upstream\\": {}}","2","2026-01-10 12:00:00+00:00","run1","SELECT\\n  day,\\n  amount\\nFROM (\\n  SELECT\\n    *\\n  FROM `raw`.`events`\\n  WHERE\\n    CAST(`day` AS TIMESTAMP) >= CAST(\'@tailrace:batch:start@\' AS TIMESTAMP)\\n    AND CAST(`day` AS TIMESTAMP) < CAST(\'@tailrace:batch:end@\' AS TIMESTAMP)\\n)",""]]')) AS _row);
COMMIT TRANSACTION;
;
-- the next build
SELECT TIMESTAMP_TRUNC(CAST(`day` AS TIMESTAMP), DAY) AS batch, COUNT(*) AS n, BIT_XOR(f) AS x, SUM(MOD(f, 1000000007)) AS s
FROM (SELECT `day`, FARM_FINGERPRINT(TO_JSON_STRING(STRUCT(`id`, `day`, `amount`))) AS f FROM `raw`.`events` WHERE `day` >= DATE '2026-01-08' AND `day` < DATE '2026-01-11')
GROUP BY batch
;
CREATE OR REPLACE TABLE `tailrace_stage`.`batch0__m` AS SELECT `day`, `amount` FROM (
SELECT
  day,
  amount
FROM (
  SELECT
    *
  FROM `raw`.`events`
  WHERE
    `day` >= DATE '2026-01-09'
    AND `day` < DATE '2026-01-10'
)
) AS new WHERE `day` >= DATE '2026-01-09' AND `day` < DATE '2026-01-10'
;
BEGIN TRANSACTION;
DELETE FROM `tailrace_meta`.`intervals`
WHERE
  model = 'm'
  AND complete = TRUE
  AND batch_start IN (CAST('2026-01-09 00:00:00' AS TIMESTAMP));
INSERT INTO `tailrace_meta`.`intervals` (`model`, `batch_start`, `batch_end`, `fingerprint`, `inputs`, `rows`, `built_at`, `run_id`, `complete`) SELECT `model`, `batch_start`, `batch_end`, `fingerprint`, `inputs`, `rows`, `built_at`, `run_id`, `complete` FROM (SELECT JSON_VALUE(_row, '$[0]') AS `model`, CAST(JSON_VALUE(_row, '$[1]') AS TIMESTAMP) AS `batch_start`, CAST(JSON_VALUE(_row, '$[2]') AS TIMESTAMP) AS `batch_end`, JSON_VALUE(_row, '$[3]') AS `fingerprint`, JSON_VALUE(_row, '$[4]') AS `inputs`, CAST(JSON_VALUE(_row, '$[5]') AS INT64) AS `rows`, CAST(JSON_VALUE(_row, '$[6]') AS TIMESTAMP) AS `built_at`, JSON_VALUE(_row, '$[7]') AS `run_id`, CAST(JSON_VALUE(_row, '$[8]') AS BOOL) AS `complete` FROM UNNEST(JSON_QUERY_ARRAY('[["m","2026-01-09 00:00:00+00:00","2026-01-10 00:00:00+00:00","218b3e0f00d585afb6a01e8414a5793d","{\\"columns of raw.events by day\\": \\"6527af4949f6031f2424d21a3bd8839a\\", \\"raw.events by day\\": \\"1-8266758894501675135-634363283\\"}","1","2026-01-10 13:00:00+00:00","run2","true"]]')) AS _row);
DELETE FROM `marts`.`m` WHERE `day` >= DATE '2026-01-09' AND `day` < DATE '2026-01-10';
INSERT INTO `marts`.`m` (`day`, `amount`) SELECT `day`, `amount` FROM `tailrace_stage`.`batch0__m`;
DELETE FROM `tailrace_meta`.`models`
WHERE
  model IN ('m');
INSERT INTO `tailrace_meta`.`models` (`model`, `schema_name`, `materialized`, `fingerprint`, `parts`, `rows`, `built_at`, `run_id`, `sql`, `incremental_sql`) SELECT `model`, `schema_name`, `materialized`, `fingerprint`, `parts`, `rows`, `built_at`, `run_id`, `sql`, `incremental_sql` FROM (SELECT JSON_VALUE(_row, '$[0]') AS `model`, JSON_VALUE(_row, '$[1]') AS `schema_name`, JSON_VALUE(_row, '$[2]') AS `materialized`, JSON_VALUE(_row, '$[3]') AS `fingerprint`, JSON_VALUE(_row, '$[4]') AS `parts`, CAST(JSON_VALUE(_row, '$[5]') AS INT64) AS `rows`, CAST(JSON_VALUE(_row, '$[6]') AS TIMESTAMP) AS `built_at`, JSON_VALUE(_row, '$[7]') AS `run_id`, JSON_VALUE(_row, '$[8]') AS `sql`, JSON_VALUE(_row, '$[9]') AS `incremental_sql` FROM UNNEST(JSON_QUERY_ARRAY('[["m","marts","incremental","3b220155cd9e0c98e1055995dc54703e","{\\"batched\\": true, \\"config\\": {\\"batch_size\\": \\"day\\", \\"begin\\": \\"2026-01-08T00:00:00+00:00\\", \\"event_time\\": \\"day\\", \\"incremental_strategy\\": \\"microbatch\\", \\"partition_by\\": \\"[\\\\\\"day\\\\\\", \\\\\\"date\\\\\\", \\\\\\"day\\\\\\", null]\\"}, \\"data\\": {}, \\"day\\": \\"2026-01-10T00:00:00+00:00\\", \\"definition\\": \\"b445eb115b916f703999b0a5407a66b8\\", \\"revision\\": \\"run2\\", \\"sql\\": \\"dfdb004d57185d5f5d11cc0a729b50c7c417dc2e43cdfd758d3ecb2b313ae139\\", \\"unknown\\": {}, \\"upstream\\": {}}","1","2026-01-10 13:00:00+00:00","run2","SELECT\\n  day,\\n  amount\\nFROM (\\n  SELECT\\n    *\\n  FROM `raw`.`events`\\n  WHERE\\n    CAST(`day` AS TIMESTAMP) >= CAST(\'@tailrace:batch:start@\' AS TIMESTAMP)\\n    AND CAST(`day` AS TIMESTAMP) < CAST(\'@tailrace:batch:end@\' AS TIMESTAMP)\\n)",""]]')) AS _row);
COMMIT TRANSACTION;
;
CREATE OR REPLACE TABLE `tailrace_stage`.`batch0__m` AS SELECT `day`, `amount` FROM (
SELECT
  day,
  amount
FROM (
  SELECT
    *
  FROM `raw`.`events`
  WHERE
    `day` >= DATE '2026-01-10'
    AND `day` < DATE '2026-01-11'
)
) AS new WHERE `day` >= DATE '2026-01-10' AND `day` < DATE '2026-01-11'
;
BEGIN TRANSACTION;
DELETE FROM `tailrace_meta`.`intervals`
WHERE
  model = 'm'
  AND complete = TRUE
  AND batch_start IN (CAST('2026-01-10 00:00:00' AS TIMESTAMP));
INSERT INTO `tailrace_meta`.`intervals` (`model`, `batch_start`, `batch_end`, `fingerprint`, `inputs`, `rows`, `built_at`, `run_id`, `complete`) SELECT `model`, `batch_start`, `batch_end`, `fingerprint`, `inputs`, `rows`, `built_at`, `run_id`, `complete` FROM (SELECT JSON_VALUE(_row, '$[0]') AS `model`, CAST(JSON_VALUE(_row, '$[1]') AS TIMESTAMP) AS `batch_start`, CAST(JSON_VALUE(_row, '$[2]') AS TIMESTAMP) AS `batch_end`, JSON_VALUE(_row, '$[3]') AS `fingerprint`, JSON_VALUE(_row, '$[4]') AS `inputs`, CAST(JSON_VALUE(_row, '$[5]') AS INT64) AS `rows`, CAST(JSON_VALUE(_row, '$[6]') AS TIMESTAMP) AS `built_at`, JSON_VALUE(_row, '$[7]') AS `run_id`, CAST(JSON_VALUE(_row, '$[8]') AS BOOL) AS `complete` FROM UNNEST(JSON_QUERY_ARRAY('[["m","2026-01-10 00:00:00+00:00","2026-01-11 00:00:00+00:00","218b3e0f00d585afb6a01e8414a5793d","{\\"columns of raw.events by day\\": \\"6527af4949f6031f2424d21a3bd8839a\\", \\"raw.events by day\\": \\"1-272698983275296137-366403270\\"}","1","2026-01-10 13:00:00+00:00","run2","true"]]')) AS _row);
DELETE FROM `marts`.`m` WHERE `day` >= DATE '2026-01-10' AND `day` < DATE '2026-01-11';
INSERT INTO `marts`.`m` (`day`, `amount`) SELECT `day`, `amount` FROM `tailrace_stage`.`batch0__m`;
DELETE FROM `tailrace_meta`.`models`
WHERE
  model IN ('m');
INSERT INTO `tailrace_meta`.`models` (`model`, `schema_name`, `materialized`, `fingerprint`, `parts`, `rows`, `built_at`, `run_id`, `sql`, `incremental_sql`) SELECT `model`, `schema_name`, `materialized`, `fingerprint`, `parts`, `rows`, `built_at`, `run_id`, `sql`, `incremental_sql` FROM (SELECT JSON_VALUE(_row, '$[0]') AS `model`, JSON_VALUE(_row, '$[1]') AS `schema_name`, JSON_VALUE(_row, '$[2]') AS `materialized`, JSON_VALUE(_row, '$[3]') AS `fingerprint`, JSON_VALUE(_row, '$[4]') AS `parts`, CAST(JSON_VALUE(_row, '$[5]') AS INT64) AS `rows`, CAST(JSON_VALUE(_row, '$[6]') AS TIMESTAMP) AS `built_at`, JSON_VALUE(_row, '$[7]') AS `run_id`, JSON_VALUE(_row, '$[8]') AS `sql`, JSON_VALUE(_row, '$[9]') AS `incremental_sql` FROM UNNEST(JSON_QUERY_ARRAY('[["m","marts","incremental","3b220155cd9e0c98e1055995dc54703e","{\\"batched\\": true, \\"config\\": {\\"batch_size\\": \\"day\\", \\"begin\\": \\"2026-01-08T00:00:00+00:00\\", \\"event_time\\": \\"day\\", \\"incremental_strategy\\": \\"microbatch\\", \\"partition_by\\": \\"[\\\\\\"day\\\\\\", \\\\\\"date\\\\\\", \\\\\\"day\\\\\\", null]\\"}, \\"data\\": {\\"raw.events\\": \\"2/cb8a6c60\\"}, \\"day\\": \\"2026-01-10T00:00:00+00:00\\", \\"definition\\": \\"b445eb115b916f703999b0a5407a66b8\\", \\"revision\\": \\"run2\\", \\"sql\\": \\"dfdb004d57185d5f5d11cc0a729b50c7c417dc2e43cdfd758d3ecb2b313ae139\\", \\"unknown\\": {}, \\"upstream\\": {}}","2","2026-01-10 13:00:00+00:00","run2","SELECT\\n  day,\\n  amount\\nFROM (\\n  SELECT\\n    *\\n  FROM `raw`.`events`\\n  WHERE\\n    CAST(`day` AS TIMESTAMP) >= CAST(\'@tailrace:batch:start@\' AS TIMESTAMP)\\n    AND CAST(`day` AS TIMESTAMP) < CAST(\'@tailrace:batch:end@\' AS TIMESTAMP)\\n)",""]]')) AS _row);
COMMIT TRANSACTION;
;
