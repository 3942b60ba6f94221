-- the first build
CREATE OR REPLACE TABLE `marts`.`m` PARTITION BY `day` CLUSTER BY `id` OPTIONS(require_partition_filter=TRUE, partition_expiration_days=90.0, labels=[('team', 'marketing')]) AS
SELECT
  id,
  day,
  amount
FROM raw.events
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
    '20a59f9c5924b5b7919895ce68488b81',
    '{"batched": false, "config": {"cluster_by": "[\\"id\\"]", "labels": "[[\\"team\\", \\"marketing\\"]]", "partition_by": "[\\"day\\", \\"date\\", \\"day\\", null]", "partition_expiration_days": "90.0", "require_partition_filter": "true"}, "data": {"raw.events": "1/cb8a6c60"}, "day": null, "definition": "c763faff31b4db617a606f1cfa8f71ae", "revision": "", "sql": "ad1f50a2fe4cd4cd10b61f8e5483cceb2828fc7cffc9a41317728f61e6114788", "unknown": {}, "upstream": {}}',
    2,
    CAST('2026-01-10 12:00:00' AS TIMESTAMP),
    'run1',
    'SELECT\n  id,\n  day,\n  amount\nFROM raw.events',
    ''
  )
;
-- the next build
CREATE OR REPLACE TABLE `marts`.`m` PARTITION BY `day` CLUSTER BY `id` OPTIONS(require_partition_filter=TRUE, partition_expiration_days=90.0, labels=[('team', 'marketing')]) AS
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
    '99d2bd04f9b3fe1afb914627684af9e7',
    '{"batched": false, "config": {"cluster_by": "[\\"id\\"]", "labels": "[[\\"team\\", \\"marketing\\"]]", "partition_by": "[\\"day\\", \\"date\\", \\"day\\", null]", "partition_expiration_days": "90.0", "require_partition_filter": "true"}, "data": {"raw.events": "2/cb8a6c60"}, "day": null, "definition": "c763faff31b4db617a606f1cfa8f71ae", "revision": "", "sql": "ad1f50a2fe4cd4cd10b61f8e5483cceb2828fc7cffc9a41317728f61e6114788", "unknown": {}, "upstream": {}}',
    3,
    CAST('2026-01-10 13:00:00' AS TIMESTAMP),
    'run2',
    'SELECT\n  id,\n  day,\n  amount\nFROM raw.events',
    ''
  );
COMMIT TRANSACTION;
;
