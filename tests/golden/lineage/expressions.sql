-- == a column, renamed
SELECT id AS contact_id, email FROM people
-- contact_id <- people.id
-- email <- people.email
-- == arithmetic, functions, casts and constants
SELECT visits * 2 + id AS points, lower(trim(email)) AS email, CAST(created AS VARCHAR) AS day, created::VARCHAR AS again, 1 AS one FROM people
-- points <- people.id people.visits
-- email <- people.email
-- day <- people.created
-- again <- people.created
-- one <- -
-- == CASE: conditions are values too
SELECT CASE WHEN visits > 3 THEN country ELSE email END AS label FROM people
-- label <- people.country people.email people.visits
-- == names differ in case, and some are quoted
SELECT ID AS a, "From" AS sender, NOTES.Body FROM crm.notes AS Notes
-- a <- crm.notes.id
-- sender <- crm.notes.From
-- Body <- crm.notes.body
-- == struct fields
SELECT address.city, people.address.zip AS code, main.people.address.city || 'x' AS town FROM people
-- city <- people.address
-- code <- people.address
-- town <- people.address
-- == a row as a value
SELECT notes AS whole, notes.id FROM crm.notes AS notes
-- whole <- crm.notes.From crm.notes.body crm.notes.id crm.notes.person_id
-- id <- crm.notes.id
-- == table and schema before the column
SELECT crm.notes.body, notes.id FROM crm.notes
-- body <- crm.notes.body
-- id <- crm.notes.id
-- == FROM first, and an alias before its expression
FROM people SELECT twice: visits * 2, id
-- twice <- people.visits
-- id <- people.id
-- == lambdas and list comprehensions
SELECT list_transform(tags, x -> x || country) AS a, [t || email FOR t IN tags IF t <> country] AS b, list_filter(tags, lambda visits: visits = 'a') AS c FROM people
-- a <- people.country people.tags
-- b <- people.country people.email people.tags
-- c <- people.tags
-- == structs, lists and maps that are made
SELECT {'a': id, 'b': email} AS s, [visits, id] AS l, struct_pack(x := country).x AS c FROM people
-- s <- people.email people.id
-- l <- people.id people.visits
-- c <- people.country
-- == names that the engine gives
SELECT count(*), sum(visits), max(id) FROM people
-- count_star() <- -
-- sum(visits) <- people.visits
-- max(id) <- people.id
-- == columns by number
SELECT #1 AS first, #3 AS third FROM people
-- first <- people.id
-- third <- people.visits
-- == aggregates, their filters and orders
SELECT sum(amount) FILTER (WHERE stage = 'won') AS won, string_agg(stage, ',' ORDER BY deal_id) AS stages, count(*) AS n, count(DISTINCT person_id) AS p, arg_max(stage, amount) AS top FROM deals
-- won <- deals.amount deals.stage
-- stages <- deals.deal_id deals.stage
-- n <- -
-- p <- deals.person_id
-- top <- deals.amount deals.stage
-- == functions behind a dot
SELECT email.lower().trim() AS e, people.email.replace(country, 'x') AS r, (email || country).upper() AS u, list_transform(tags, t -> t.upper() || country.lower()) AS l, [x.upper() FOR x IN tags] AS c FROM people
-- e <- people.email
-- r <- people.country people.email
-- u <- people.country people.email
-- l <- people.country people.tags
-- c <- people.tags
