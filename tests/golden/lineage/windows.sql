-- == partition and order are what a window's value is computed from
SELECT deal_id, sum(amount) OVER (PARTITION BY person_id ORDER BY created) AS running FROM deals
-- deal_id <- deals.deal_id
-- running <- deals.amount deals.created deals.person_id
-- == row_number
SELECT row_number() OVER (PARTITION BY stage ORDER BY amount DESC, deal_id) AS place FROM deals
-- place <- deals.amount deals.deal_id deals.stage
-- == a named window
SELECT deal_id, lag(amount) OVER w AS before FROM deals WINDOW w AS (PARTITION BY person_id ORDER BY created)
-- deal_id <- deals.deal_id
-- before <- deals.amount deals.created deals.person_id
-- == a filter inside of a window
SELECT count(*) FILTER (WHERE stage = 'won') OVER (PARTITION BY person_id) AS won FROM deals
-- won <- deals.person_id deals.stage
-- == QUALIFY
SELECT person_id, stage FROM deals QUALIFY row_number() OVER (PARTITION BY person_id ORDER BY amount DESC) = 1
-- person_id <- deals.person_id
-- stage <- deals.stage
-- rows by deals.amount deals.person_id
-- == QUALIFY by an alias
SELECT person_id, rank() OVER (ORDER BY amount) AS place FROM deals QUALIFY place < 3
-- person_id <- deals.person_id
-- place <- deals.amount
-- rows by deals.amount
-- == a window over an aggregate
SELECT person_id, sum(sum(amount)) OVER (ORDER BY person_id) AS total FROM deals GROUP BY person_id
-- person_id <- deals.person_id
-- total <- deals.amount deals.person_id
-- rows by deals.person_id
-- == QUALIFY by a named window
SELECT stage FROM deals WINDOW w AS (PARTITION BY person_id ORDER BY deal_id) QUALIFY last_value(amount) OVER w > 60
-- stage <- deals.stage
-- rows by deals.amount deals.deal_id deals.person_id
