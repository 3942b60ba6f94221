-- Spend per campaign and day, as the account booked it and in the reporting currency.
-- How it converts: the day is the account's own calendar day (a day in Berlin is not shifted to New York: nobody knows at
-- which hour the money went), the cost in the account's currency takes the rate of that day's month. Without a rate there
-- is no amount and the flag is up: 0 would be a lie that sums up.
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
        ELSE CAST(spend.cost AS DOUBLE) * rates.rate
    END AS cost_reporting,
    '{{ var("reporting_currency") }}' AS reporting_currency,
    spend.currency <> '{{ var("reporting_currency") }}' AND rates.rate IS NULL AS rate_missing,
    spend.impressions,
    spend.clicks,
    spend.conversions,
    spend.conversions_value
FROM {{ ref('stg_google_ads__campaign_stats') }} AS spend
LEFT JOIN {{ ref('stg_google_ads__campaigns') }} AS campaigns
    ON campaigns.account_id = spend.account_id AND campaigns.campaign_id = spend.campaign_id
LEFT JOIN {{ ref('stg_exchange_rates') }} AS rates
    ON rates.currency = spend.currency AND rates.month = CAST(date_trunc('month', spend.day) AS DATE)
