-- the first build
CREATE OR REPLACE TABLE `tailrace_stage`.`new__m` AS
SELECT
  id,
  CAST(day AS TIMESTAMP) AS at_time
FROM raw.events
;
SELECT
  COUNT(*)
FROM `tailrace_stage`.`new__m`
WHERE
  (
    `id`
  ) IS NULL
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
CREATE OR REPLACE TABLE `marts`.`m` AS
SELECT
  *,
  TO_HEX(
    MD5(
      COALESCE(CAST(`id` AS STRING), '') || '|' || COALESCE(RTRIM(RTRIM(FORMAT_TIMESTAMP('%F %H:%M:%E6S', `at_time`), '0'), '.'), '')
    )
  ) AS `dbt_scd_id`,
  `at_time` AS `dbt_updated_at`,
  `at_time` AS `dbt_valid_from`,
  COALESCE(NULLIF(`at_time`, `at_time`), NULL) AS `dbt_valid_to`
FROM `tailrace_stage`.`new__m`
;
INSERT INTO `tailrace_meta`.`models` (`model`, `schema_name`, `materialized`, `fingerprint`, `parts`, `rows`, `built_at`, `run_id`, `sql`, `incremental_sql`) SELECT `model`, `schema_name`, `materialized`, `fingerprint`, `parts`, `rows`, `built_at`, `run_id`, `sql`, `incremental_sql` FROM (SELECT JSON_VALUE(_row, '$[0]') AS `model`, JSON_VALUE(_row, '$[1]') AS `schema_name`, JSON_VALUE(_row, '$[2]') AS `materialized`, JSON_VALUE(_row, '$[3]') AS `fingerprint`, JSON_VALUE(_row, '$[4]') AS `parts`, CAST(JSON_VALUE(_row, '$[5]') AS INT64) AS `rows`, CAST(JSON_VALUE(_row, '$[6]') AS TIMESTAMP) AS `built_at`, JSON_VALUE(_row, '$[7]') AS `run_id`, JSON_VALUE(_row, '$[8]') AS `sql`, JSON_VALUE(_row, '$[9]') AS `incremental_sql` FROM UNNEST(JSON_QUERY_ARRAY('[["m","marts","snapshot","4d75b3527e202716c0d4b3adc014774e","{\\"batched\\": false, \\"config\\": {\\"hard_deletes\\": \\"invalidate\\", \\"strategy\\": \\"timestamp\\", \\"unique_key\\": \\"[\\\\\\"id\\\\\\"]\\", \\"updated_at\\": \\"at_time\\"}, \\"data\\": {\\"raw.events\\": \\"1/cb8a6c60\\"}, \\"day\\": null, \\"definition\\": \\"4a0493755ae8c87f6a22421912b7a66c\\", \\"revision\\": \\"run1\\", \\"sql\\": \\"e20dd1d9db459eda41cbe3677ea44761565a2033041e65c43bc0a5c37f90cab6\\", \\"unknown\\": {}, \\"upstream\\": {}}","2","2026-01-10 12:00:00+00:00","run1","SELECT\\n  id,\\n  CAST(day AS TIMESTAMP) AS at_time\\nFROM raw.events",""]]')) AS _row)
;
-- the next build
CREATE OR REPLACE TABLE `tailrace_stage`.`new__m` AS
SELECT
  id,
  CAST(day AS TIMESTAMP) AS at_time
FROM raw.events
;
SELECT
  COUNT(*)
FROM `tailrace_stage`.`new__m`
WHERE
  (
    `id`
  ) IS NULL
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
CREATE OR REPLACE TABLE `tailrace_stage`.`changed__m` AS
SELECT
  n.*,
  o.`dbt_scd_id` AS tailrace_ended
FROM (
  SELECT
    *,
    `id` AS tailrace_key_0,
    `at_time` AS tailrace_at
  FROM `tailrace_stage`.`new__m`
) AS n
LEFT JOIN (
  SELECT
    *,
    `id` AS tailrace_key_0
  FROM `marts`.`m`
  WHERE
    `dbt_valid_to` IS NULL
) AS o
  ON n.tailrace_key_0 = o.tailrace_key_0
WHERE
  o.tailrace_key_0 IS NULL OR o.`dbt_valid_from` < n.tailrace_at
;
CREATE OR REPLACE TABLE `tailrace_stage`.`gone__m` AS
SELECT
  o.*,
  o.`dbt_scd_id` AS tailrace_ended
FROM (
  SELECT
    *,
    `id` AS tailrace_key_0
  FROM `marts`.`m`
  WHERE
    `dbt_valid_to` IS NULL
) AS o
WHERE
  NOT EXISTS(
    SELECT
      1
    FROM (
      SELECT
        *,
        `id` AS tailrace_key_0,
        `at_time` AS tailrace_at
      FROM `tailrace_stage`.`new__m`
    ) AS n
    WHERE
      n.tailrace_key_0 = o.tailrace_key_0
  )
;
BEGIN TRANSACTION;
UPDATE `marts`.`m` SET `dbt_valid_to` = s.tailrace_until
FROM (
  SELECT
    tailrace_ended,
    tailrace_at AS tailrace_until
  FROM `tailrace_stage`.`changed__m`
) AS s
WHERE
  `dbt_scd_id` = s.tailrace_ended AND `dbt_valid_to` IS NULL;
INSERT INTO `marts`.`m` (
  `id`,
  `at_time`,
  `dbt_scd_id`,
  `dbt_updated_at`,
  `dbt_valid_from`,
  `dbt_valid_to`
)
SELECT
  `id`,
  `at_time`,
  TO_HEX(
    MD5(
      COALESCE(CAST(tailrace_key_0 AS STRING), '') || '|' || COALESCE(RTRIM(RTRIM(FORMAT_TIMESTAMP('%F %H:%M:%E6S', tailrace_at), '0'), '.'), '')
    )
  ),
  tailrace_at,
  tailrace_at,
  COALESCE(NULLIF(tailrace_at, tailrace_at), NULL)
FROM `tailrace_stage`.`changed__m`;
UPDATE `marts`.`m` SET `dbt_valid_to` = s.tailrace_until
FROM (
  SELECT
    tailrace_ended,
    CAST('2026-01-10 13:00:00' AS TIMESTAMP) AS tailrace_until
  FROM `tailrace_stage`.`gone__m`
) AS s
WHERE
  `dbt_scd_id` = s.tailrace_ended AND `dbt_valid_to` IS NULL;
DELETE FROM `tailrace_meta`.`models`
WHERE
  model IN ('m');
INSERT INTO `tailrace_meta`.`models` (`model`, `schema_name`, `materialized`, `fingerprint`, `parts`, `rows`, `built_at`, `run_id`, `sql`, `incremental_sql`) SELECT `model`, `schema_name`, `materialized`, `fingerprint`, `parts`, `rows`, `built_at`, `run_id`, `sql`, `incremental_sql` FROM (SELECT JSON_VALUE(_row, '$[0]') AS `model`, JSON_VALUE(_row, '$[1]') AS `schema_name`, JSON_VALUE(_row, '$[2]') AS `materialized`, JSON_VALUE(_row, '$[3]') AS `fingerprint`, JSON_VALUE(_row, '$[4]') AS `parts`, CAST(JSON_VALUE(_row, '$[5]') AS INT64) AS `rows`, CAST(JSON_VALUE(_row, '$[6]') AS TIMESTAMP) AS `built_at`, JSON_VALUE(_row, '$[7]') AS `run_id`, JSON_VALUE(_row, '$[8]') AS `sql`, JSON_VALUE(_row, '$[9]') AS `incremental_sql` FROM UNNEST(JSON_QUERY_ARRAY('[["m","marts","snapshot","de711f8cce6a45f8ec44eae04fca112a","{\\"batched\\": false, \\"config\\": {\\"hard_deletes\\": \\"invalidate\\", \\"strategy\\": \\"timestamp\\", \\"unique_key\\": \\"[\\\\\\"id\\\\\\"]\\", \\"updated_at\\": \\"at_time\\"}, \\"data\\": {\\"raw.events\\": \\"2/cb8a6c60\\"}, \\"day\\": null, \\"definition\\": \\"4a0493755ae8c87f6a22421912b7a66c\\", \\"revision\\": \\"run2\\", \\"sql\\": \\"e20dd1d9db459eda41cbe3677ea44761565a2033041e65c43bc0a5c37f90cab6\\", \\"unknown\\": {}, \\"upstream\\": {}}","1","2026-01-10 13:00:00+00:00","run2","SELECT\\n  id,\\n  CAST(day AS TIMESTAMP) AS at_time\\nFROM raw.events",""]]')) AS _row);
COMMIT TRANSACTION;
;
