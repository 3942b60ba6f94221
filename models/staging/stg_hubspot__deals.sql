-- One row per deal; amounts stay in the deal's own currency here.
SELECT
    id AS deal_id,
    dealname AS deal_name,
    amount,
    coalesce(deal_currency_code, '{{ var("reporting_currency") }}') AS currency,
    dealstage AS stage,
    coalesce(hs_is_closed_won, false) AS is_won,
    closedate AS closed_at,
    createdate AS created_at
FROM {{ source('hubspot', 'deals') }}
