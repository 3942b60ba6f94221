-- Which contacts a deal belongs to; one row per pair, whatever the number of labels on it.
SELECT DISTINCT
    from_id AS deal_id,
    to_id AS contact_id
FROM {{ source('hubspot', 'deals_contacts') }}
