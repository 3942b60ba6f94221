-- the first build
CREATE OR REPLACE TABLE `marts`.`m` AS
SELECT
  id,
  day,
  amount
FROM raw.events
;
INSERT INTO `tailrace_meta`.`models` (`model`, `schema_name`, `materialized`, `fingerprint`, `parts`, `rows`, `built_at`, `run_id`, `sql`, `incremental_sql`) SELECT `model`, `schema_name`, `materialized`, `fingerprint`, `parts`, `rows`, `built_at`, `run_id`, `sql`, `incremental_sql` FROM (SELECT JSON_VALUE(_row, '$[0]') AS `model`, JSON_VALUE(_row, '$[1]') AS `schema_name`, JSON_VALUE(_row, '$[2]') AS `materialized`, JSON_VALUE(_row, '$[3]') AS `fingerprint`, JSON_VALUE(_row, '$[4]') AS `parts`, CAST(JSON_VALUE(_row, '$[5]') AS INT64) AS `rows`, CAST(JSON_VALUE(_row, '$[6]') AS TIMESTAMP) AS `built_at`, JSON_VALUE(_row, '$[7]') AS `run_id`, JSON_VALUE(_row, '$[8]') AS `sql`, JSON_VALUE(_row, '$[9]') AS `incremental_sql` FROM UNNEST(JSON_QUERY_ARRAY('[["m","marts","table","7229648cfd2636e4460b8a2ce9e386e0","{\\"batched\\": false, \\"config\\": {}, \\"data\\": {\\"raw.events\\": \\"1/cb8a6c60\\"}, \\"day\\": null, \\"definition\\": \\"c763faff31b4db617a606f1cfa8f71ae\\", \\"revision\\": \\"\\", \\"sql\\": \\"ad1f50a2fe4cd4cd10b61f8e5483cceb2828fc7cffc9a41317728f61e6114788\\", \\"unknown\\": {}, \\"upstream\\": {}}","2","2026-01-10 12:00:00+00:00","run1","SELECT\\n  id,\\n  day,\\n  amount\\nFROM raw.events",""]]')) AS _row)
;
-- the next build
CREATE OR REPLACE TABLE `marts`.`m` AS
SELECT
  id,
  day,
  amount
FROM raw.events
;
BEGIN TRANSACTION;
DELETE FROM `tailrace_meta`.`models`
WHERE
  model IN ('m');
INSERT INTO `tailrace_meta`.`models` (`model`, `schema_name`, `materialized`, `fingerprint`, `parts`, `rows`, `built_at`, `run_id`, `sql`, `incremental_sql`) SELECT `model`, `schema_name`, `materialized`, `fingerprint`, `parts`, `rows`, `built_at`, `run_id`, `sql`, `incremental_sql` FROM (SELECT JSON_VALUE(_row, '$[0]') AS `model`, JSON_VALUE(_row, '$[1]') AS `schema_name`, JSON_VALUE(_row, '$[2]') AS `materialized`, JSON_VALUE(_row, '$[3]') AS `fingerprint`, JSON_VALUE(_row, '$[4]') AS `parts`, CAST(JSON_VALUE(_row, '$[5]') AS INT64) AS `rows`, CAST(JSON_VALUE(_row, '$[6]') AS TIMESTAMP) AS `built_at`, JSON_VALUE(_row, '$[7]') AS `run_id`, JSON_VALUE(_row, '$[8]') AS `sql`, JSON_VALUE(_row, '$[9]') AS `incremental_sql` FROM UNNEST(JSON_QUERY_ARRAY('[["m","marts","table","78f6e8df7e3aa83d0b8df03458c323ca","{\\"batched\\": false, \\"config\\": {}, \\"data\\": {\\"raw.events\\": \\"2/cb8a6c60\\"}, \\"day\\": null, \\"definition\\": \\"c763faff31b4db617a606f1cfa8f71ae\\", \\"revision\\": \\"\\", \\"sql\\": \\"ad1f50a2fe4cd4cd10b61f8e5483cceb2828fc7cffc9a41317728f61e6114788\\", \\"unknown\\": {}, \\"upstream\\": {}}","3","2026-01-10 13:00:00+00:00","run2","SELECT\\n  id,\\n  day,\\n  amount\\nFROM raw.events",""]]')) AS _row);
COMMIT TRANSACTION;
;
