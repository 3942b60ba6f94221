-- Spend per account, campaign and day. The day is the account's own calendar day and the money its own currency:
-- both are converted in the marts, where the reader can see how.
SELECT
    customer_id AS account_id,
    customer_currency_code AS currency,
    customer_time_zone AS time_zone,
    campaign_id,
    segments_date AS day,
    CAST(metrics_cost_micros AS DECIMAL(38, 6)) / 1000000 AS cost,
    metrics_impressions AS impressions,
    metrics_clicks AS clicks,
    metrics_conversions AS conversions,
    metrics_conversions_value AS conversions_value
FROM {{ source('google_ads', 'campaign_stats') }}
