-- the first build
CREATE OR REPLACE TABLE `tailrace_stage`.`new__m` AS
SELECT
  id,
  day,
  amount
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
      COALESCE(CAST(`id` AS STRING), '') || '|' || COALESCE(
        RTRIM(
          RTRIM(FORMAT_TIMESTAMP('%F %H:%M:%E6S', CAST('2026-01-10 12:00:00' AS TIMESTAMP)), '0'),
          '.'
        ),
        ''
      )
    )
  ) AS `dbt_scd_id`,
  CAST('2026-01-10 12:00:00' AS TIMESTAMP) AS `dbt_updated_at`,
  CAST('2026-01-10 12:00:00' AS TIMESTAMP) AS `dbt_valid_from`,
  COALESCE(
    NULLIF(CAST('2026-01-10 12:00:00' AS TIMESTAMP), CAST('2026-01-10 12:00:00' AS TIMESTAMP)),
    NULL
  ) AS `dbt_valid_to`,
  'False' AS `dbt_is_deleted`
FROM `tailrace_stage`.`new__m`
;
INSERT INTO `tailrace_meta`.`models` (`model`, `schema_name`, `materialized`, `fingerprint`, `parts`, `rows`, `built_at`, `run_id`, `sql`, `incremental_sql`) SELECT `model`, `schema_name`, `materialized`, `fingerprint`, `parts`, `rows`, `built_at`, `run_id`, `sql`, `incremental_sql` FROM (SELECT JSON_VALUE(_row, '$[0]') AS `model`, JSON_VALUE(_row, '$[1]') AS `schema_name`, JSON_VALUE(_row, '$[2]') AS `materialized`, JSON_VALUE(_row, '$[3]') AS `fingerprint`, JSON_VALUE(_row, '$[4]') AS `parts`, CAST(JSON_VALUE(_row, '$[5]') AS INT64) AS `rows`, CAST(JSON_VALUE(_row, '$[6]') AS TIMESTAMP) AS `built_at`, JSON_VALUE(_row, '$[7]') AS `run_id`, JSON_VALUE(_row, '$[8]') AS `sql`, JSON_VALUE(_row, '$[9]') AS `incremental_sql` FROM UNNEST(JSON_QUERY_ARRAY('[["m","marts","snapshot","27ea2fe19001cbe4eb2ec1b43ed9de1c","{\\"batched\\": false, \\"config\\": {\\"hard_deletes\\": \\"new_record\\", \\"strategy\\": \\"check\\", \\"unique_key\\": \\"[\\\\\\"id\\\\\\"]\\"}, \\"data\\": {\\"raw.events\\": \\"1/cb8a6c60\\"}, \\"day\\": null, \\"definition\\": \\"c763faff31b4db617a606f1cfa8f71ae\\", \\"revision\\": \\"run1\\", \\"sql\\": \\"ad1f50a2fe4cd4cd10b61f8e5483cceb2828fc7cffc9a41317728f61e6114788\\", \\"unknown\\": {}, \\"upstream\\": {}}","2","2026-01-10 12:00:00+00:00","run1","SELECT\\n  id,\\n  day,\\n  amount\\nFROM raw.events",""]]')) AS _row)
;
-- the next build
CREATE OR REPLACE TABLE `tailrace_stage`.`new__m` AS
SELECT
  id,
  day,
  amount
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
    CAST('2026-01-10 13:00:00' AS TIMESTAMP) AS tailrace_at
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
  o.tailrace_key_0 IS NULL
  OR n.`id` IS DISTINCT FROM o.`id`
  OR n.`day` IS DISTINCT FROM o.`day`
  OR n.`amount` IS DISTINCT FROM o.`amount`
  OR o.`dbt_is_deleted` = 'True'
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
        CAST('2026-01-10 13:00:00' AS TIMESTAMP) AS tailrace_at
      FROM `tailrace_stage`.`new__m`
    ) AS n
    WHERE
      n.tailrace_key_0 = o.tailrace_key_0
  )
  AND o.`dbt_is_deleted` <> 'True'
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
  `day`,
  `amount`,
  `dbt_scd_id`,
  `dbt_updated_at`,
  `dbt_valid_from`,
  `dbt_valid_to`,
  `dbt_is_deleted`
)
SELECT
  `id`,
  `day`,
  `amount`,
  TO_HEX(
    MD5(
      COALESCE(CAST(tailrace_key_0 AS STRING), '') || '|' || COALESCE(RTRIM(RTRIM(FORMAT_TIMESTAMP('%F %H:%M:%E6S', tailrace_at), '0'), '.'), '')
    )
  ),
  tailrace_at,
  tailrace_at,
  COALESCE(NULLIF(tailrace_at, tailrace_at), NULL),
  'False'
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
INSERT INTO `marts`.`m` (
  `id`,
  `day`,
  `amount`,
  `dbt_scd_id`,
  `dbt_updated_at`,
  `dbt_valid_from`,
  `dbt_valid_to`,
  `dbt_is_deleted`
)
SELECT
  `id`,
  `day`,
  `amount`,
  TO_HEX(
    MD5(
      COALESCE(tailrace_ended, '') || '|' || COALESCE(
        RTRIM(
          RTRIM(FORMAT_TIMESTAMP('%F %H:%M:%E6S', CAST('2026-01-10 13:00:00' AS TIMESTAMP)), '0'),
          '.'
        ),
        ''
      )
    )
  ),
  CAST('2026-01-10 13:00:00' AS TIMESTAMP),
  CAST('2026-01-10 13:00:00' AS TIMESTAMP),
  `dbt_valid_to`,
  'True'
FROM `tailrace_stage`.`gone__m`;
DELETE FROM `tailrace_meta`.`models`
WHERE
  model IN ('m');
INSERT INTO `tailrace_meta`.`models` (`model`, `schema_name`, `materialized`, `fingerprint`, `parts`, `rows`, `built_at`, `run_id`, `sql`, `incremental_sql`) SELECT `model`, `schema_name`, `materialized`, `fingerprint`, `parts`, `rows`, `built_at`, `run_id`, `sql`, `incremental_sql` FROM (SELECT JSON_VALUE(_row, '$[0]') AS `model`, JSON_VALUE(_row, '$[1]') AS `schema_name`, JSON_VALUE(_row, '$[2]') AS `materialized`, JSON_VALUE(_row, '$[3]') AS `fingerprint`, JSON_VALUE(_row, '$[4]') AS `parts`, CAST(JSON_VALUE(_row, '$[5]') AS INT64) AS `rows`, CAST(JSON_VALUE(_row, '$[6]') AS TIMESTAMP) AS `built_at`, JSON_VALUE(_row, '$[7]') AS `run_id`, JSON_VALUE(_row, '$[8]') AS `sql`, JSON_VALUE(_row, '$[9]') AS `incremental_sql` FROM UNNEST(JSON_QUERY_ARRAY('[["m","marts","snapshot","fb63e99d2d3ceef07accfa46eb9f9570","{\\"batched\\": false, \\"config\\": {\\"hard_deletes\\": \\"new_record\\", \\"strategy\\": \\"check\\", \\"unique_key\\": \\"[\\\\\\"id\\\\\\"]\\"}, \\"data\\": {\\"raw.events\\": \\"2/cb8a6c60\\"}, \\"day\\": null, \\"definition\\": \\"c763faff31b4db617a606f1cfa8f71ae\\", \\"revision\\": \\"run2\\", \\"sql\\": \\"ad1f50a2fe4cd4cd10b61f8e5483cceb2828fc7cffc9a41317728f61e6114788\\", \\"unknown\\": {}, \\"upstream\\": {}}","2","2026-01-10 13:00:00+00:00","run2","SELECT\\n  id,\\n  day,\\n  amount\\nFROM raw.events",""]]')) AS _row);
COMMIT TRANSACTION;
;
