-- == one after the other
WITH won AS (SELECT person_id, amount FROM deals WHERE stage = 'won'), sums AS (SELECT person_id, sum(amount) AS total FROM won GROUP BY 1) SELECT p.email, s.total FROM people AS p JOIN sums AS s ON s.person_id = p.id
-- email <- people.email
-- total <- deals.amount
-- rows by deals.person_id deals.stage people.id
-- == a CTE hides a table of its name
WITH people AS (SELECT 7 AS id, visits AS email FROM people) SELECT id, email FROM people
-- id <- -
-- email <- people.visits
-- == its columns are named by the WITH
WITH a(x, y) AS (SELECT visits, country FROM people) SELECT x, y FROM a
-- x <- people.visits
-- y <- people.country
-- == a recursive one
WITH RECURSIVE up AS (SELECT id, parent, label AS path FROM tree WHERE parent IS NULL UNION ALL SELECT t.id, t.parent, up.path || '/' || t.label FROM tree AS t JOIN up ON t.parent = up.id) SELECT id, path FROM up
-- id <- tree.id
-- path <- tree.label
-- rows by tree.id tree.parent
-- == a recursive one that passes columns round
WITH RECURSIVE r(a, b, c, n) AS (SELECT id, visits, 0, 1 FROM people UNION ALL SELECT b, c, a, n + 1 FROM r WHERE n < 4) SELECT a, n FROM r
-- a <- people.id people.visits
-- n <- -
-- == inside of a subquery
SELECT x.n FROM (WITH a AS (SELECT count(*) AS n, country FROM people GROUP BY country) SELECT n FROM a WHERE country <> 'de') AS x
-- n <- -
-- rows by people.country
-- == one that is not used says nothing
WITH unused AS (SELECT amount FROM deals) SELECT id FROM people
-- id <- people.id
-- == a nested one sees the outer one
WITH a AS (SELECT id, visits FROM people) SELECT * FROM (WITH b AS (SELECT visits * 2 AS v FROM a) SELECT v FROM b)
-- v <- people.visits
-- == in front of a UNION
WITH a AS (SELECT id FROM people WHERE visits > 1) SELECT id FROM a UNION ALL SELECT deal_id FROM deals
-- id <- deals.deal_id people.id
-- rows by people.visits
