-- == UNNEST in FROM
SELECT p.id, t.tag FROM people AS p, UNNEST(p.tags) AS t(tag)
-- id <- people.id
-- tag <- people.tags
-- rows by people.tags
-- == UNNEST in the list: its length makes rows
SELECT id, unnest(tags) AS tag FROM people
-- id <- people.id
-- tag <- people.tags
-- rows by people.tags
-- == CROSS JOIN UNNEST without names
SELECT id, unnest FROM people CROSS JOIN UNNEST(tags)
-- id <- people.id
-- unnest <- people.tags
-- rows by people.tags
-- == LEFT JOIN LATERAL UNNEST
SELECT id, u.tag FROM people LEFT JOIN LATERAL (SELECT unnest(tags)) AS u(tag) ON true
-- id <- people.id
-- tag <- people.tags
-- rows by people.tags
-- == generate_series
SELECT g.n, p.id FROM people AS p, generate_series(1, p.visits) AS g(n)
-- n <- people.visits
-- id <- people.id
-- rows by people.visits
-- == range
SELECT range AS n FROM range(3)
-- n <- -
-- == elements and slices
SELECT tags[1] AS first, len(tags[2:]) AS others FROM people
-- first <- people.tags
-- others <- people.tags
-- == a list of a subquery
SELECT id, ARRAY(SELECT stage FROM deals WHERE person_id = id ORDER BY deal_id) AS stages FROM people
-- id <- people.id
-- stages <- deals.stage | deals.deal_id deals.person_id people.id
-- == the order of a subquery is the order of the list
SELECT list(email) AS emails FROM (SELECT email FROM people ORDER BY created)
-- emails <- people.email
-- rows by people.created
