-- dialect: bigquery
-- == EXCEPT and REPLACE
SELECT * EXCEPT (tags, address) REPLACE (visits * 2 AS visits) FROM people
-- id <- people.id
-- email <- people.email
-- visits <- people.visits
-- country <- people.country
-- created <- people.created
-- == UNNEST with its offset
SELECT p.id, tag, place FROM people AS p, UNNEST(p.tags) AS tag WITH OFFSET AS place
-- id <- people.id
-- tag <- people.tags
-- place <- people.tags
-- rows by people.tags
-- == a list as a table
SELECT p.id, tag FROM people AS p, p.tags AS tag
-- id <- people.id
-- tag <- people.tags
-- rows by people.tags
-- == IN UNNEST
SELECT id FROM people WHERE country IN UNNEST(tags)
-- id <- people.id
-- rows by people.country people.tags
-- == no alias of the list in the list
SELECT visits + 1 AS id, id * 2 AS twice FROM people
-- id <- people.visits
-- twice <- people.id
-- == QUALIFY with a named window
SELECT email FROM people QUALIFY row_number() OVER w = 1 WINDOW w AS (PARTITION BY country ORDER BY created)
-- email <- people.email
-- rows by people.country people.created
-- == a project before the dataset
SELECT body FROM `my-project.crm.notes`
-- body <- crm.notes.body
-- == structs and arrays
SELECT STRUCT(id, email AS mail) AS s, ARRAY_AGG(country ORDER BY created) AS l FROM people GROUP BY id, email
-- s <- people.email people.id
-- l <- people.country people.created
-- rows by people.email people.id
-- == PIVOT
SELECT * FROM readings PIVOT (SUM(value) FOR month IN ('jan', 'feb'))
-- region <- readings.region
-- jan <- readings.month readings.value
-- feb <- readings.month readings.value
-- rows by readings.region
-- == UNPIVOT
SELECT region, value FROM monthly UNPIVOT (value FOR month IN (jan, feb))
-- region <- monthly.region
-- value <- monthly.feb monthly.jan
-- rows by monthly.feb monthly.jan
-- == in a UNION DISTINCT
SELECT country FROM people UNION DISTINCT SELECT stage FROM deals
-- country <- deals.stage people.country
-- rows by deals.stage people.country
