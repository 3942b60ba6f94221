-- == PIVOT behind a table
SELECT * FROM readings PIVOT (sum(value) FOR month IN ('jan', 'feb'))
-- region <- readings.region
-- jan <- readings.month readings.value
-- feb <- readings.month readings.value
-- rows by readings.region
-- == PIVOT with a name and GROUP BY
SELECT region, jan_total FROM readings PIVOT (sum(value) AS total FOR month IN ('jan', 'feb') GROUP BY region)
-- region <- readings.region
-- jan_total <- readings.month readings.value
-- rows by readings.region
-- == PIVOT as a statement in a CTE
WITH wide AS (PIVOT readings ON month IN ('jan', 'feb') USING sum(value) GROUP BY region) SELECT region, jan + feb AS both FROM wide
-- region <- readings.region
-- both <- readings.month readings.value
-- rows by readings.region
-- == PIVOT of which only data tell the columns
WITH wide AS (PIVOT readings ON month USING sum(value) GROUP BY region) SELECT region, jan FROM wide
-- region <- readings.region
-- jan <- readings.month readings.value
-- rows by readings.month readings.region readings.value
-- == UNPIVOT
SELECT * FROM monthly UNPIVOT (value FOR month IN (jan, feb))
-- region <- monthly.region
-- mar <- monthly.mar
-- month <- -
-- value <- monthly.feb monthly.jan
-- rows by monthly.feb monthly.jan
-- == UNPIVOT as a statement
SELECT region, n, v FROM (UNPIVOT monthly ON jan, feb, mar INTO NAME n VALUE v)
-- region <- monthly.region
-- n <- -
-- v <- monthly.feb monthly.jan monthly.mar
-- rows by monthly.feb monthly.jan monthly.mar
-- == UNPIVOT of all but one
SELECT region, v FROM (UNPIVOT monthly ON COLUMNS(* EXCLUDE (region)) INTO NAME n VALUE v)
-- region <- monthly.region
-- v <- monthly.feb monthly.jan monthly.mar
-- rows by monthly.feb monthly.jan monthly.mar
