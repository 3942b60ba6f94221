-- Spend per account, campaign and day on Facebook and Instagram: the account's own calendar day and its own currency,
-- under the name the campaign has now.
SELECT
    spend.account_id,
    spend.account_currency AS currency,
    spend.account_timezone_name AS time_zone,
    spend.campaign_id,
    campaigns.name AS campaign_name,
    spend.date_start AS day,
    spend.spend AS cost,
    spend.impressions,
    spend.clicks
FROM {{ source('meta_ads', 'campaign_insights') }} AS spend
LEFT JOIN {{ source('meta_ads', 'campaigns') }} AS campaigns ON campaigns.id = spend.campaign_id
