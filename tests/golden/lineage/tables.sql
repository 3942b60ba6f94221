-- The tables that every case reads. Rows matter: the engine itself is asked which columns change an output.
CREATE TABLE people (id INTEGER, email VARCHAR, visits INTEGER, country VARCHAR, tags VARCHAR[], address STRUCT(city VARCHAR, zip INTEGER), created DATE);
INSERT INTO people VALUES
    (1, 'ann@x.com', 3, 'de', ['a', 'b'], {'city': 'Bonn', 'zip': 1}, '2026-01-05'),
    (2, 'bob@x.com', 5, 'us', ['b'], {'city': 'Reno', 'zip': 2}, '2026-02-07'),
    (3, 'cid@y.com', 5, 'us', [], {'city': 'Waco', 'zip': 3}, '2026-03-09'),
    (4, NULL, 0, 'fr', ['c', 'a'], {'city': 'Nice', 'zip': 4}, '2026-04-11');
CREATE TABLE deals (deal_id INTEGER, person_id INTEGER, amount DOUBLE, stage VARCHAR, created DATE);
INSERT INTO deals VALUES
    (10, 1, 100, 'won', '2026-02-01'), (11, 1, 50, 'lost', '2026-02-03'), (12, 2, 70, 'won', '2026-03-05'), (13, 9, 20, 'open', '2026-05-01');
CREATE SCHEMA crm;
CREATE TABLE crm.notes (id INTEGER, person_id INTEGER, "From" VARCHAR, body VARCHAR);
INSERT INTO crm.notes VALUES (7, 1, 'ann', 'hello'), (8, 2, 'bob', 'hi'), (9, 2, 'cid', 'ok');
CREATE TABLE tree (id INTEGER, parent INTEGER, label VARCHAR);
INSERT INTO tree VALUES (1, NULL, 'root'), (2, 1, 'left'), (3, 1, 'right'), (4, 2, 'leaf');
CREATE TABLE monthly (region VARCHAR, jan INTEGER, feb INTEGER, mar INTEGER);
INSERT INTO monthly VALUES ('n', 1, 2, 3), ('s', 4, NULL, 6), ('w', 7, 8, 9);
CREATE TABLE readings (region VARCHAR, month VARCHAR, value INTEGER);
INSERT INTO readings VALUES ('n', 'jan', 1), ('n', 'feb', 2), ('s', 'jan', 4), ('s', 'feb', 5);
