"""Columns named in a suite's SQL, against the engine itself: what it runs is never told, what it refuses is where that is certain."""

from __future__ import annotations

import duckdb
import pytest

from tailrace.plan.query_columns import wrong_columns
from tailrace.validate.where import BATCH

KNOWN = {
    BATCH: ("id", "Score", "grade", "day", "email", "tags", "info"),
    "marts.other": ("id", "name", "score"),
    "main.seed": ("code", "rate"),
}
TABLES = f"""
CREATE TABLE {BATCH} (id INT, "Score" INT, grade VARCHAR, day DATE, email VARCHAR, tags VARCHAR[], info STRUCT(k INT, other INT));
CREATE SCHEMA marts; CREATE TABLE marts.other (id INT, name VARCHAR, score INT);
CREATE TABLE seed (code VARCHAR, rate DOUBLE);
CREATE SCHEMA hubspot; CREATE TABLE hubspot.contacts (id INT, city VARCHAR);
"""

RUNS = """
SELECT * FROM {batch} WHERE score > 1 AND GRADE = 'A'
SELECT * FROM {batch} b WHERE B.Email IS NULL
WITH best AS (SELECT id, max(score) AS top FROM {batch} GROUP BY id) SELECT * FROM best WHERE top > 3
WITH best (a, b) AS (SELECT id, score FROM {batch}) SELECT a FROM best WHERE b > 3
WITH one AS (SELECT id FROM {batch}), two AS (SELECT id AS number FROM one) SELECT number FROM two ORDER BY number
SELECT b.id, o.name FROM {batch} AS b JOIN marts.other AS o ON b.id = o.id WHERE o.score > b.score
SELECT id, name FROM {batch} JOIN marts.other USING (id) WHERE name IS NULL
SELECT * FROM {batch} LEFT JOIN hubspot.contacts c USING (id) WHERE c.city IS NULL AND city IS NULL
SELECT * FROM {batch}, hubspot.contacts WHERE city = 'Bern'
SELECT * FROM {batch} WHERE id NOT IN (SELECT id FROM marts.other WHERE name = grade)
SELECT * FROM {batch} AS b WHERE NOT EXISTS (SELECT 1 FROM marts.other AS o WHERE o.id = b.id AND email <> name)
SELECT info.k, info.other, info['k'] FROM {batch} WHERE info.k > 1
SELECT b.info.k FROM {batch} b
SELECT score * 2 AS twice, twice + 1 AS more FROM {batch} WHERE twice > 3
SELECT tag FROM {batch}, unnest(tags) AS u(tag) WHERE tag = 'x'
SELECT unnest(tags) AS tag, id FROM {batch} ORDER BY tag
SELECT * FROM {batch} WHERE len(list_filter(tags, x -> x <> grade)) > 1
SELECT * FROM {batch} WHERE len(list_filter(tags, lambda t: t <> grade)) > 1
SELECT [t FOR t IN tags IF t > 'a'] FROM {batch}
SELECT struct_pack(a := id, c := score) AS s FROM {batch}
FROM {batch} WHERE score > 1
FROM {batch} SELECT id WHERE score > 1
SELECT grade, count(*) AS n FROM {batch} GROUP BY ALL HAVING n > 1 ORDER BY ALL
SELECT id, row_number() OVER w AS place FROM {batch} WINDOW w AS (PARTITION BY grade ORDER BY day) QUALIFY place > 1
SELECT * EXCLUDE (email) REPLACE (score + 1 AS score) FROM {batch}
SELECT COLUMNS('s.*') FROM {batch}
SELECT COLUMNS(c -> c LIKE 'S%') FROM {batch}
SELECT * FROM (SELECT *, score + 1 AS next FROM {batch}) WHERE next > 1
SELECT s.next FROM (SELECT b.*, 1 AS next FROM {batch} b) s WHERE s.email IS NULL
SELECT b.id, l.y FROM {batch} b, LATERAL (SELECT b.score + 1 AS y) l WHERE l.y > 2
SELECT b.id, y FROM {batch} b, (SELECT b.score + 1 AS y) l
SELECT * FROM (PIVOT {batch} ON grade IN ('A', 'B') USING sum(score) GROUP BY id) WHERE A > 1
SELECT date_trunc('month', day), date_part('year', day), extract(dow FROM day), day::TIMESTAMP AT TIME ZONE 'UTC' FROM {batch}
SELECT id FROM {batch} UNION ALL SELECT id FROM marts.other ORDER BY id
SELECT id, name FROM {batch} SEMI JOIN seed ON grade = code NATURAL JOIN marts.other
SELECT b FROM {batch} b WHERE rowid > 1 AND b.rowid > 2
SELECT x, y FROM {batch} AS t(x, y)
SELECT max_by(id, score) FILTER (WHERE grade = 'A') AS m, list(DISTINCT grade ORDER BY grade) FROM {batch}
SELECT * FROM {batch} b JOIN (VALUES (1, 'q')) AS v(n, word) ON b.id = v.n WHERE word = 'x'
WITH RECURSIVE r AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM r WHERE n < 3) SELECT n FROM r, {batch} WHERE n = id
SELECT * FROM {batch} ASOF JOIN marts.other o ON {batch}.id >= o.id
SELECT * FROM {batch} WHERE (id, grade) IN (SELECT id, name FROM marts.other)
SELECT (SELECT max(rate) FROM seed WHERE code = grade) AS r FROM {batch} WHERE r > 1
SELECT marts.other.name FROM {batch}, marts.other
SELECT * FROM range(3) t(i), {batch} WHERE i = id
SELECT range, id FROM {batch}, range(3)
SELECT a: id, n: score FROM {batch}
SELECT * FROM {batch} WHERE CASE grade WHEN 'A' THEN score END > 1 AND email SIMILAR TO 'a.*' COLLATE NOCASE
WITH contacts AS (SELECT * FROM hubspot.contacts) SELECT city FROM contacts JOIN {batch} USING (id)
SELECT CAST(info AS STRUCT(k INT, other INT)).k, {'a': id}.a, row(id, grade), tags[1] FROM {batch}
SELECT string_agg(email, ',' ORDER BY day DESC NULLS LAST), count(DISTINCT (id, grade)) FROM {batch}
SELECT first_value(score IGNORE NULLS) OVER (ORDER BY day ROWS BETWEEN 1 PRECEDING AND CURRENT ROW) FROM {batch}
SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY score) AS p, quantile_cont(score, 0.5) FROM {batch} HAVING p > 1
SELECT grade, day, grouping(grade) FROM {batch} GROUP BY GROUPING SETS ((grade, day), (grade), ())
SELECT b.id, l.n FROM {batch} b LEFT JOIN LATERAL (SELECT count(*) AS n FROM seed s WHERE s.code = b.grade AND email <> '') l ON true
WITH a AS (WITH b AS (SELECT id AS x FROM {batch}) SELECT x AS y FROM b) SELECT y FROM a
WITH a AS (SELECT id FROM {batch}), b AS (SELECT * FROM a JOIN marts.other USING (id)) SELECT name FROM b
WITH a AS (SELECT * FROM {batch} NATURAL JOIN marts.other) SELECT name, email FROM a
SELECT DISTINCT ON (grade) id FROM {batch} ORDER BY grade, day DESC LIMIT (SELECT count(*) FROM seed)
SELECT id FROM {batch} EXCEPT SELECT id FROM marts.other WHERE name IS NOT DISTINCT FROM 'x'
SELECT k FROM (SELECT unnest(info) FROM {batch})
SELECT r.k FROM (SELECT unnest([info]) AS r FROM {batch})
SELECT info.*, b.* EXCLUDE (info) FROM {batch} b
SELECT * FROM ({batch} b JOIN marts.other o ON b.id = o.id) WHERE name = 'x' AND o.score > 1
SELECT list_reduce(tags, (p, q) -> p || q), list_transform(tags, (t, i) -> t || i || grade) FROM {batch}
SELECT * FROM {batch} USING SAMPLE 10 ROWS
SELECT g, n FROM (SELECT grade, count(*) FROM {batch} GROUP BY 1) AS t(g, n) WHERE n > 1
SELECT * FROM {batch} POSITIONAL JOIN hubspot.contacts WHERE city IS NULL
SELECT * FROM (FROM {batch} WHERE score > 1) AS b ANTI JOIN seed ON seed.code = b.grade
SELECT score FROM {batch} WHERE grade IN (FROM (VALUES ('A'), ('B')) AS v(w) SELECT w WHERE w > email)
SELECT (SELECT (SELECT max(o.score) FROM marts.other o WHERE o.id = b.id AND rate > 1) FROM seed) FROM {batch} b
WITH seed AS (SELECT id AS thing FROM {batch}) SELECT thing FROM seed
""".strip().splitlines()


@pytest.fixture(scope="module")
def engine():
    with duckdb.connect() as connection:
        connection.execute(TABLES)
        yield connection


@pytest.mark.parametrize("query", RUNS, ids=range(len(RUNS)))
def test_what_runs_is_never_told(engine, query):
    engine.execute(query.replace("{batch}", BATCH))
    assert wrong_columns(query, KNOWN) == []


REFUSED = [
    ("SELECT * FROM {batch} WHERE scor > 1", "names scor, which no table has that it reads", "Did you mean Score?"),
    ('SELECT * FROM {batch} WHERE grade = "A"', "names A, which no table has that it reads", "A text takes single quotes: 'A'"),
    ("SELECT * FROM {batch} b WHERE b.scor > 1", "names b.scor, and b has no such column", "Did you mean Score?"),
    ("SELECT * FROM {batch} b JOIN hubspot.contacts c USING (id) WHERE b.emial IS NULL",
     "names b.emial, and b has no such column", "Did you mean email?"),
    ("SELECT o.nam FROM {batch}, marts.other o", "names o.nam, and o has no such column", "Did you mean name?"),
    ("WITH best AS (SELECT id, score FROM {batch}) SELECT grad FROM best", "names grad, which no table has that it reads", "Known: id, score"),
    ("WITH best AS (SELECT id, scre FROM {batch}) SELECT id FROM best", "names scre, which no table has that it reads", "Did you mean Score?"),
    ("SELECT * FROM {batch} WHERE id IN (SELECT nid FROM seed)", "names nid, which no table has that it reads", None),
]  # fmt: skip


@pytest.mark.parametrize(("query", "message", "fix"), REFUSED, ids=range(len(REFUSED)))
def test_what_the_engine_refuses_is_told(engine, query, message, fix):
    with pytest.raises(duckdb.BinderException):
        engine.execute(query.replace("{batch}", BATCH))
    [(told, hint)] = wrong_columns(query, KNOWN)
    assert told == message
    assert fix is None or hint == fix
