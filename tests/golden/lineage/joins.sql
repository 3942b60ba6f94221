-- == the condition is indirect
SELECT p.email, d.amount FROM people AS p LEFT JOIN deals AS d ON d.person_id = p.id AND d.stage = 'won'
-- email <- people.email
-- amount <- deals.amount
-- rows by deals.person_id deals.stage people.id
-- == a name that only one table has
SELECT email, amount FROM people JOIN deals ON person_id = id
-- email <- people.email
-- amount <- deals.amount
-- rows by deals.person_id people.id
-- == USING makes one column of the left
SELECT id, label, body FROM tree JOIN crm.notes USING (id)
-- id <- tree.id
-- label <- tree.label
-- body <- crm.notes.body
-- rows by crm.notes.id tree.id
-- == USING in a LEFT JOIN
SELECT id, label, body FROM tree LEFT JOIN crm.notes USING (id)
-- id <- tree.id
-- label <- tree.label
-- body <- crm.notes.body
-- rows by crm.notes.id tree.id
-- == USING in a RIGHT JOIN takes the right one
SELECT id, label, body FROM tree RIGHT JOIN crm.notes USING (id)
-- id <- crm.notes.id
-- label <- tree.label
-- body <- crm.notes.body
-- rows by crm.notes.id tree.id
-- == USING in a FULL JOIN takes either
SELECT id, label, body FROM tree FULL JOIN crm.notes USING (id)
-- id <- crm.notes.id tree.id
-- label <- tree.label
-- body <- crm.notes.body
-- rows by crm.notes.id tree.id
-- == USING of three tables, and a star
SELECT * FROM (SELECT id, email FROM people) AS p JOIN tree USING (id) LEFT JOIN crm.notes USING (id)
-- id <- people.id
-- email <- people.email
-- parent <- tree.parent
-- label <- tree.label
-- person_id <- crm.notes.person_id
-- From <- crm.notes.From
-- body <- crm.notes.body
-- rows by crm.notes.id people.id tree.id
-- == a NATURAL join
SELECT * FROM (SELECT id, email FROM people) AS p NATURAL JOIN tree
-- id <- people.id
-- email <- people.email
-- parent <- tree.parent
-- label <- tree.label
-- rows by people.id tree.id
-- == a semi join only takes rows away
SELECT * EXCLUDE (tags, address) FROM people SEMI JOIN deals ON deals.person_id = people.id
-- id <- people.id
-- email <- people.email
-- visits <- people.visits
-- country <- people.country
-- created <- people.created
-- rows by deals.person_id people.id
-- == an anti join
SELECT email FROM people ANTI JOIN crm.notes USING (id)
-- email <- people.email
-- rows by crm.notes.id people.id
-- == an ASOF join
SELECT p.id, d.amount FROM people AS p ASOF JOIN deals AS d ON p.created >= d.created
-- id <- people.id
-- amount <- deals.amount
-- rows by deals.created people.created
-- == commas and WHERE
SELECT p.email, d.amount FROM people AS p, deals AS d WHERE p.id = d.person_id
-- email <- people.email
-- amount <- deals.amount
-- rows by deals.person_id people.id
-- == joins in parentheses
SELECT p.email, j.body FROM people AS p LEFT JOIN (SELECT d.person_id, n.body FROM deals AS d JOIN crm.notes AS n ON n.person_id = d.person_id) AS j ON j.person_id = p.id
-- email <- people.email
-- body <- crm.notes.body
-- rows by crm.notes.person_id deals.person_id people.id
-- == parentheses without a SELECT
SELECT p.email, n.body FROM people AS p JOIN (deals AS d JOIN crm.notes AS n ON n.person_id = d.person_id) ON d.person_id = p.id
-- email <- people.email
-- body <- crm.notes.body
-- rows by crm.notes.person_id deals.person_id people.id
-- == parentheses without a SELECT, with a name
SELECT j.email, j.amount FROM (people JOIN deals ON deals.person_id = people.id) AS j
-- email <- people.email
-- amount <- deals.amount
-- rows by deals.person_id people.id
-- == a table twice
SELECT c.label, p.label AS parent FROM tree AS c LEFT JOIN tree AS p ON p.id = c.parent
-- label <- tree.label
-- parent <- tree.label
-- rows by tree.id tree.parent
-- == a positional join
SELECT region, label FROM monthly POSITIONAL JOIN tree
-- region <- monthly.region
-- label <- tree.label
