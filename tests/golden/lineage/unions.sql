-- == by position
SELECT id, email FROM people UNION ALL SELECT deal_id, stage FROM deals
-- id <- deals.deal_id people.id
-- email <- deals.stage people.email
-- == UNION compares rows
SELECT country FROM people UNION SELECT stage FROM deals
-- country <- deals.stage people.country
-- rows by deals.stage people.country
-- == BY NAME
SELECT id, email FROM people UNION ALL BY NAME SELECT body AS email, person_id FROM crm.notes
-- id <- people.id
-- email <- crm.notes.body people.email
-- person_id <- crm.notes.person_id
-- == EXCEPT takes rows away
SELECT id FROM people EXCEPT SELECT person_id FROM deals
-- id <- people.id
-- rows by deals.person_id people.id
-- == INTERSECT
SELECT id FROM people INTERSECT SELECT person_id FROM deals
-- id <- deals.person_id people.id
-- rows by deals.person_id people.id
-- == three, with brackets
(SELECT id AS a FROM people) UNION ALL (SELECT deal_id FROM deals WHERE amount > 60) UNION ALL SELECT id FROM tree
-- a <- deals.deal_id people.id tree.id
-- rows by deals.amount
-- == a LIMIT behind
SELECT id AS a FROM people UNION ALL SELECT deal_id FROM deals ORDER BY a LIMIT 3
-- a <- deals.deal_id people.id
-- rows by deals.deal_id people.id
-- == inside of a CTE, by star
WITH u AS (SELECT * FROM readings UNION ALL SELECT region, 'jan', jan FROM monthly) SELECT month, sum(value) AS value FROM u GROUP BY month
-- month <- readings.month
-- value <- monthly.jan readings.value
-- rows by readings.month
-- == an empty arm that supplies a column
WITH d AS (SELECT * EXCLUDE (tags, address) FROM people UNION ALL BY NAME SELECT CAST(NULL AS VARCHAR) AS phone WHERE false) SELECT id, phone FROM d
-- id <- people.id
-- phone <- -
