-- One row per deal; amounts stay in the deal's own currency here.
-- A portal with a single currency has no property deal_currency_code: the empty second half supplies the column then.
WITH deals AS (
    SELECT * FROM {{ source('hubspot', 'deals') }}
    UNION ALL BY NAME
    SELECT CAST(NULL AS VARCHAR) AS deal_currency_code WHERE false
)

SELECT
    id AS deal_id,
    dealname AS deal_name,
    amount,
    upper(coalesce(deal_currency_code, '{{ var("reporting_currency") }}')) AS currency,
    dealstage AS stage,
    coalesce(hs_is_closed_won, false) AS is_won,
    closedate AS closed_at,
    createdate AS created_at
FROM deals
