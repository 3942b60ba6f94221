-- What every ad platform cost per campaign and day, as the account booked it and in the reporting currency.
-- How it converts is daily_campaign_spend's way: the day stays the account's own, the cost takes the rate of that day's
-- month, and without a rate there is no amount and the flag is up.
WITH booked AS (
    SELECT
        'google_ads' AS platform,
        CAST(account_id AS VARCHAR) AS account_id,
        CAST(campaign_id AS VARCHAR) AS campaign_id,
        campaign_name, day, time_zone, currency, CAST(cost AS DOUBLE) AS cost, impressions, clicks
    FROM {{ ref('daily_campaign_spend') }}
    UNION ALL
    SELECT
        'meta_ads', account_id, campaign_id, campaign_name, day, time_zone, currency, CAST(cost AS DOUBLE),
        impressions, clicks
    FROM {{ ref('stg_meta_ads__campaign_insights') }}
    UNION ALL
    SELECT
        'linkedin_ads', CAST(account_id AS VARCHAR), CAST(campaign_id AS VARCHAR), campaign_name, day, time_zone,
        currency, CAST(cost AS DOUBLE), impressions, clicks
    FROM {{ ref('stg_linkedin_ads__campaign_analytics') }}
)

SELECT
    booked.day,
    booked.platform,
    booked.account_id,
    booked.campaign_id,
    booked.campaign_name,
    booked.time_zone,
    booked.currency,
    booked.cost,
    CASE
        WHEN booked.currency = '{{ var("reporting_currency") }}' THEN booked.cost
        ELSE booked.cost * rates.rate
    END AS cost_reporting,
    '{{ var("reporting_currency") }}' AS reporting_currency,
    booked.currency <> '{{ var("reporting_currency") }}' AND rates.rate IS NULL AS rate_missing,
    booked.impressions,
    booked.clicks
FROM booked
LEFT JOIN {{ ref('stg_exchange_rates') }} AS rates
    ON rates.currency = booked.currency AND rates.month = CAST(date_trunc('month', booked.day) AS DATE)
