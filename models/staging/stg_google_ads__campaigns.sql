-- One row per campaign, under the name it has now; names move, ids do not.
SELECT
    customer_id AS account_id,
    campaign_id,
    campaign_name,
    campaign_status AS status,
    campaign_advertising_channel_type AS channel_type
FROM {{ source('google_ads', 'campaigns') }}
