-- == a scalar one
SELECT id, (SELECT max(amount) FROM deals) AS top FROM people
-- id <- people.id
-- top <- deals.amount
-- == a correlated one: its condition is indirect
SELECT id, (SELECT sum(d.amount) FROM deals AS d WHERE d.person_id = people.id) AS total FROM people
-- id <- people.id
-- total <- deals.amount | deals.person_id people.id
-- == a bare name of the query around
SELECT (SELECT count(*) FROM deals WHERE person_id = id AND amount > visits) AS n FROM people
-- n <- - | deals.amount deals.person_id people.id people.visits
-- == IN as a condition
SELECT email FROM people WHERE id IN (SELECT person_id FROM deals WHERE stage = 'won')
-- email <- people.email
-- rows by deals.person_id deals.stage people.id
-- == IN as a value
SELECT id IN (SELECT person_id FROM deals WHERE stage = 'won') AS has_won FROM people
-- has_won <- deals.person_id people.id | deals.stage
-- == EXISTS as a condition
SELECT email FROM people AS p WHERE EXISTS (SELECT 1 FROM deals AS d WHERE d.person_id = p.id AND d.amount > 60)
-- email <- people.email
-- rows by deals.amount deals.person_id people.id
-- == EXISTS as a value: there is a row or there is none
SELECT EXISTS (SELECT stage FROM deals AS d WHERE d.person_id = p.id) AS any_deal FROM people AS p
-- any_deal <- - | deals.person_id people.id
-- == in FROM
SELECT s.n + 1 AS m FROM (SELECT visits + id AS n FROM people WHERE country = 'us') AS s
-- m <- people.id people.visits
-- rows by people.country
-- == LATERAL
SELECT p.id, l.twice FROM people AS p, LATERAL (SELECT p.visits * 2 AS twice WHERE p.country <> 'de') AS l
-- id <- people.id
-- twice <- people.visits
-- rows by people.country
-- == LATERAL with a table of its own
SELECT p.email, l.amount FROM people AS p LEFT JOIN LATERAL (SELECT amount FROM deals AS d WHERE d.person_id = p.id ORDER BY d.created LIMIT 1) AS l ON true
-- email <- people.email
-- amount <- deals.amount
-- rows by deals.created deals.person_id people.id
-- == VALUES
SELECT v.name, p.id FROM (VALUES (1, 'one'), (2, 'two')) AS v(number, name) JOIN people AS p ON p.id = v.number
-- name <- -
-- id <- people.id
-- rows by people.id
-- == a quantified comparison
SELECT id FROM people WHERE visits >= ALL (SELECT amount / 20 FROM deals)
-- id <- people.id
-- rows by deals.amount people.visits
-- == two levels out
SELECT (SELECT (SELECT max(n.body) FROM crm.notes AS n WHERE n.person_id = p.id AND d.amount > 60) FROM deals AS d WHERE d.deal_id = 10) AS body FROM people AS p
-- body <- crm.notes.body | crm.notes.person_id deals.amount deals.deal_id people.id
