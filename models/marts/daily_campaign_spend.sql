-- Spend per campaign and day in one currency.
-- How it converts: cost in the account's currency x that month's rate to USD / the reporting currency's rate to USD.
-- A missing rate gives no amount and raises the flag: 0 would be a lie that sums up.
WITH rates AS (
    SELECT month, currency, usd_per_unit FROM {{ ref('exchange_rates') }}
)

SELECT
    spend.day,
    spend.account_id,
    spend.time_zone,
    spend.campaign_id,
    campaigns.campaign_name,
    spend.currency,
    spend.cost,
    CASE
        WHEN spend.currency = '{{ var("reporting_currency") }}' THEN CAST(spend.cost AS DOUBLE)
        ELSE spend.cost * own.usd_per_unit / reporting.usd_per_unit
    END AS cost_reporting,
    '{{ var("reporting_currency") }}' AS reporting_currency,
    spend.currency <> '{{ var("reporting_currency") }}'
    AND (own.usd_per_unit IS NULL OR reporting.usd_per_unit IS NULL) AS rate_missing,
    spend.impressions,
    spend.clicks,
    spend.conversions,
    spend.conversions_value
FROM {{ ref('stg_google_ads__campaign_stats') }} AS spend
LEFT JOIN {{ ref('stg_google_ads__campaigns') }} AS campaigns
    ON campaigns.account_id = spend.account_id AND campaigns.campaign_id = spend.campaign_id
LEFT JOIN rates AS own
    ON own.currency = spend.currency AND own.month = date_trunc('month', spend.day)
LEFT JOIN rates AS reporting
    ON reporting.currency = '{{ var("reporting_currency") }}' AND reporting.month = date_trunc('month', spend.day)
