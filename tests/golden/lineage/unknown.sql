-- What can be said of tables whose columns nobody knows: lake.a, lake.b, read_csv().
-- == one table: a bare name is its
SELECT email, lower(name) AS name FROM lake.a WHERE active
-- email <- lake.a.email
-- name <- lake.a.name
-- rows by lake.a.active
-- == two tables: it may be of either, and the answer says so
SELECT email, a.id FROM lake.a AS a JOIN lake.b AS b ON b.id = a.id
-- email <- lake.a.email lake.b.email
-- id <- lake.a.id
-- rows by lake.a.id lake.b.id
-- note: email may be of lake.a or lake.b, whose columns are not known: it counts for each
-- == the other table is known
SELECT visits, score FROM people JOIN lake.a ON people.id = a.id
-- visits <- people.visits
-- score <- lake.a.score
-- rows by lake.a.id people.id
-- == a star passes all of them on
WITH x AS (SELECT * EXCLUDE (secret) FROM lake.a) SELECT email, secret FROM x
-- email <- lake.a.email
-- secret <- -
-- note: secret is no column of what the query reads
-- == a star at the end
SELECT *, upper(name) AS loud FROM lake.a
-- loud <- lake.a.name
-- and more: lake.a
-- == stars of two
SELECT * FROM lake.a, lake.b
-- and more: lake.a or lake.b
-- == a UNION of stars
SELECT email FROM (SELECT * FROM lake.a UNION ALL BY NAME SELECT * FROM lake.b)
-- email <- lake.a.email lake.b.email
-- == an alias that may hide a column
SELECT amount * 2 AS total, total + 1 AS more FROM lake.a
-- total <- lake.a.amount
-- more <- lake.a.amount
-- note: total is taken for the alias: a column of that name would come first
-- == a name that was seen to be a column
SELECT lower(email) AS email, email LIKE '%x' AS ours FROM lake.a WHERE email IS NOT NULL
-- email <- lake.a.email
-- ours <- lake.a.email
-- rows by lake.a.email
-- == a file
SELECT id, name FROM read_csv('contacts.csv') AS f WHERE f.ok
-- id <- read_csv().id
-- name <- read_csv().name
-- rows by read_csv().ok
-- == a column that is not there
SELECT nothing FROM people
-- nothing <- people.nothing
-- note: people is not known to have a column nothing
-- == a struct of an unknown table
SELECT payload.city FROM lake.a
-- city <- lake.a.payload
-- == column names by position, of unknown columns
SELECT x FROM lake.a AS t(x, y)
-- x <- lake.a.*
