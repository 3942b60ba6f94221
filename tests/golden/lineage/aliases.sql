-- == an alias is used by what comes after it
SELECT visits + 1 AS more, more * id AS most FROM people
-- more <- people.visits
-- most <- people.id people.visits
-- == a column comes before an alias of the same name
SELECT visits + 1 AS id, id * 2 AS twice FROM people
-- id <- people.visits
-- twice <- people.id
-- == an alias in WHERE
SELECT visits + 1 AS more FROM people WHERE more > 4
-- more <- people.visits
-- rows by people.visits
-- == a column comes before the alias in WHERE
SELECT visits + 1 AS id FROM people WHERE id > 2
-- id <- people.visits
-- rows by people.id
-- == GROUP BY an alias
SELECT upper(country) AS land, count(*) AS n FROM people GROUP BY land
-- land <- people.country
-- n <- -
-- rows by people.country
-- == GROUP BY a number
SELECT upper(country) AS land, count(*) AS n FROM people GROUP BY 1
-- land <- people.country
-- n <- -
-- rows by people.country
-- == GROUP BY ALL takes what is no aggregate
SELECT upper(country) AS land, id % 2 AS odd, sum(visits) AS n FROM people GROUP BY ALL
-- land <- people.country
-- odd <- people.id
-- n <- people.visits
-- rows by people.country people.id
-- == HAVING by an alias and by a column
SELECT country, sum(visits) AS n FROM people GROUP BY country HAVING n > 3 AND max(id) > 1
-- country <- people.country
-- n <- people.visits
-- rows by people.country people.id people.visits
-- == the order decides only with a LIMIT
SELECT email, id FROM people ORDER BY created
-- email <- people.email
-- id <- people.id
-- == ORDER BY with a LIMIT
SELECT email, id FROM people ORDER BY created DESC LIMIT 2
-- email <- people.email
-- id <- people.id
-- rows by people.created
-- == ORDER BY an alias with a LIMIT
SELECT -visits AS id FROM people ORDER BY id LIMIT 1
-- id <- people.visits
-- rows by people.visits
-- == DISTINCT compares all columns
SELECT DISTINCT country, visits FROM people
-- country <- people.country
-- visits <- people.visits
-- rows by people.country people.visits
-- == DISTINCT ON keeps one row by order
SELECT DISTINCT ON (country) country, email FROM people ORDER BY country, created DESC
-- country <- people.country
-- email <- people.email
-- rows by people.country people.created
-- == the same name twice
SELECT * FROM (SELECT id AS x, visits AS x FROM people)
-- x <- people.id
-- x_1 <- people.visits
-- == a star and a column of the same name
SELECT x.id, x.id_1 FROM (SELECT *, visits + 1 AS id FROM people) AS x
-- id <- people.id
-- id_1 <- people.visits
-- == a LIMIT that is asked for
SELECT email FROM people ORDER BY id LIMIT (SELECT count(*) - 2 FROM deals WHERE stage = 'won')
-- email <- people.email
-- rows by deals.stage people.id
-- == GROUPING SETS
SELECT country, sum(visits) AS n FROM people GROUP BY GROUPING SETS ((country), (id), ())
-- country <- people.country
-- n <- people.visits
-- rows by people.country people.id
-- == the number of a row is of no column
SELECT rowid AS number, label FROM tree
-- number <- -
-- label <- tree.label
