-- Spend per account, campaign and day on LinkedIn: the account's own currency, under the name the campaign has now.
SELECT
    spend.account_id,
    spend.account_currency AS currency,
    spend.account_time_zone AS time_zone,
    spend.campaign_id,
    campaigns.name AS campaign_name,
    spend.date AS day,
    spend."costInLocalCurrency" AS cost,
    spend.impressions,
    spend.clicks
FROM {{ source('linkedin_ads', 'campaign_analytics') }} AS spend
LEFT JOIN {{ source('linkedin_ads', 'campaigns') }} AS campaigns ON campaigns.id = spend.campaign_id
