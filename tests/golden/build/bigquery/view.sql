-- the first build
CREATE OR REPLACE VIEW `marts`.`m` OPTIONS(labels=[('team', 'ops')]) AS
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
    'view',
    'ca758dcd3da714502cb87ffaf8722023',
    '{"batched": false, "config": {"labels": "[[\\"team\\", \\"ops\\"]]"}, "data": {"raw.events": "1/cb8a6c60"}, "day": null, "definition": "c763faff31b4db617a606f1cfa8f71ae", "revision": "", "sql": "ad1f50a2fe4cd4cd10b61f8e5483cceb2828fc7cffc9a41317728f61e6114788", "unknown": {}, "upstream": {}}',
    0,
    CAST('2026-01-10 12:00:00' AS TIMESTAMP),
    'run1',
    'SELECT\n  id,\n  day,\n  amount\nFROM raw.events',
    ''
  )
;
-- the next build
CREATE OR REPLACE VIEW `marts`.`m` AS
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
    'view',
    '78f6e8df7e3aa83d0b8df03458c323ca',
    '{"batched": false, "config": {}, "data": {"raw.events": "2/cb8a6c60"}, "day": null, "definition": "c763faff31b4db617a606f1cfa8f71ae", "revision": "", "sql": "ad1f50a2fe4cd4cd10b61f8e5483cceb2828fc7cffc9a41317728f61e6114788", "unknown": {}, "upstream": {}}',
    0,
    CAST('2026-01-10 13:00:00' AS TIMESTAMP),
    'run2',
    'SELECT\n  id,\n  day,\n  amount\nFROM raw.events',
    ''
  );
COMMIT TRANSACTION;
;
