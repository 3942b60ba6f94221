-- == all columns
SELECT * FROM readings
-- region <- readings.region
-- month <- readings.month
-- value <- readings.value
-- == all of one table, beside a column of the other
SELECT d.*, p.email FROM people AS p JOIN deals AS d ON d.person_id = p.id
-- deal_id <- deals.deal_id
-- person_id <- deals.person_id
-- amount <- deals.amount
-- stage <- deals.stage
-- created <- deals.created
-- email <- people.email
-- rows by deals.person_id people.id
-- == EXCLUDE
SELECT * EXCLUDE (tags, address, created) FROM people
-- id <- people.id
-- email <- people.email
-- visits <- people.visits
-- country <- people.country
-- == REPLACE
SELECT * EXCLUDE (tags, address) REPLACE (visits + id AS visits) FROM people
-- id <- people.id
-- email <- people.email
-- visits <- people.id people.visits
-- country <- people.country
-- created <- people.created
-- == RENAME
SELECT * RENAME (value AS reading) FROM readings
-- region <- readings.region
-- month <- readings.month
-- reading <- readings.value
-- == EXCLUDE of one table of a join
SELECT p.* EXCLUDE (tags, address), d.* EXCLUDE (created) FROM people AS p JOIN deals AS d ON d.person_id = p.id
-- id <- people.id
-- email <- people.email
-- visits <- people.visits
-- country <- people.country
-- created <- people.created
-- deal_id <- deals.deal_id
-- person_id <- deals.person_id
-- amount <- deals.amount
-- stage <- deals.stage
-- rows by deals.person_id people.id
-- == COLUMNS by a pattern
SELECT COLUMNS('^(jan|feb)$') FROM monthly
-- jan <- monthly.jan
-- feb <- monthly.feb
-- == COLUMNS inside an expression
SELECT region, max(COLUMNS('an|eb')) + 1 FROM monthly GROUP BY region
-- region <- monthly.region
-- jan <- monthly.jan
-- feb <- monthly.feb
-- rows by monthly.region
-- == COLUMNS with a new name for each
SELECT COLUMNS('^(j..|f..)$') AS 'm_\1' FROM monthly
-- m_jan <- monthly.jan
-- m_feb <- monthly.feb
-- == COLUMNS of a list and of a star without some
SELECT COLUMNS(['mar', 'jan']), max(COLUMNS(* EXCLUDE (region, jan, feb))) OVER () FROM monthly
-- jan <- monthly.jan
-- mar <- monthly.mar
-- mar_1 <- monthly.mar
-- == COLUMNS by a lambda
SELECT COLUMNS(c -> c LIKE '%a%') FROM monthly
-- jan <- monthly.jan
-- mar <- monthly.mar
-- == a star by name
SELECT * LIKE '%a_' FROM monthly
-- jan <- monthly.jan
-- mar <- monthly.mar
-- == a star by name, the others
SELECT * NOT LIKE '%a%' FROM monthly
-- region <- monthly.region
-- feb <- monthly.feb
-- == stars through CTEs
WITH a AS (SELECT * FROM monthly), b AS (SELECT *, jan + feb AS sum FROM a) SELECT * EXCLUDE (jan, feb) FROM b
-- region <- monthly.region
-- mar <- monthly.mar
-- sum <- monthly.feb monthly.jan
-- == a star in count() is no column
SELECT count(*) AS n FROM people WHERE visits > 1
-- n <- -
-- rows by people.visits
-- == EXCLUDE of one table's column
SELECT * EXCLUDE (p.id, p.visits, tags, address) FROM people AS p JOIN tree AS t ON t.id = p.id
-- email <- people.email
-- country <- people.country
-- created <- people.created
-- id <- tree.id
-- parent <- tree.parent
-- label <- tree.label
-- rows by people.id tree.id
-- == COLUMNS as the arguments of one function
SELECT coalesce(*COLUMNS(['jan', 'feb']), mar) AS first FROM monthly
-- first <- monthly.feb monthly.jan monthly.mar
-- == COLUMNS of one table's star
SELECT COLUMNS(t.*) FROM tree AS t, monthly
-- id <- tree.id
-- parent <- tree.parent
-- label <- tree.label
