-- What one unit of a currency is worth in the reporting currency, month by month; exactly one row for a month and currency,
-- so that a join on both can never multiply rows. A rate that the seed gives twice with different values is no rate.
WITH dollars AS (
    SELECT
        CAST(date_trunc('month', month) AS DATE) AS month,
        upper(trim(currency)) AS currency,
        CASE WHEN min(usd_per_unit) = max(usd_per_unit) THEN min(usd_per_unit) END AS usd_per_unit
    FROM {{ ref('exchange_rates') }}
    GROUP BY 1, 2
)

SELECT
    own.month,
    own.currency,
    own.usd_per_unit / nullif(reporting.usd_per_unit, 0) AS rate
FROM dollars AS own
INNER JOIN dollars AS reporting
    ON reporting.month = own.month AND reporting.currency = '{{ var("reporting_currency") }}'
