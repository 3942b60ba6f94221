-- What each channel and campaign cost and brought, by month, in one reporting currency.
-- Attribution is first touch as the CRM recorded it: a contact's source and, for paid search, its Google Ads campaign.
-- How it converts:
--   instants of the CRM are UTC and become the reporting time zone before their month is taken: a contact made at 2 a.m. UTC
--   on the 1st belongs to the month before in New York;
--   an ad account's day stays that account's calendar day, and its money takes that month's rate (daily_campaign_spend);
--   a deal's amount takes the rate of the month in which it closed.
-- Everything is summed before it is joined, so no row can multiply; a deal of several contacts counts once, for the contact
-- that was created first. A sum in which one rate is missing is NULL and flagged, not a sum of the others.
WITH contacts AS (
    SELECT
        contact_id,
        coalesce(first_touch_source, 'UNKNOWN') AS channel,
        CASE WHEN first_touch_source = 'PAID_SEARCH' THEN first_touch_campaign END AS campaign,
        created_at,
        CAST(created_at AT TIME ZONE 'UTC' AT TIME ZONE '{{ var("reporting_timezone") }}' AS DATE) AS created_on
    FROM {{ ref('stg_hubspot__contacts') }}
),

won AS (
    SELECT
        deal_id,
        currency,
        CAST(closed_at AT TIME ZONE 'UTC' AT TIME ZONE '{{ var("reporting_timezone") }}' AS DATE) AS closed_on,
        amount
    FROM {{ ref('stg_hubspot__deals') }}
    WHERE is_won AND closed_at IS NOT NULL
),

converted AS (
    SELECT
        won.deal_id,
        CAST(date_trunc('month', won.closed_on) AS DATE) AS month,
        CASE
            WHEN won.currency = '{{ var("reporting_currency") }}' THEN won.amount
            ELSE won.amount * rates.rate
        END AS revenue,
        won.currency <> '{{ var("reporting_currency") }}'
        AND won.amount IS NOT NULL
        AND rates.rate IS NULL AS rate_missing
    FROM won
    LEFT JOIN {{ ref('stg_exchange_rates') }} AS rates
        ON rates.currency = won.currency AND rates.month = CAST(date_trunc('month', won.closed_on) AS DATE)
),

first_contact AS (
    SELECT links.deal_id, contacts.channel, contacts.campaign
    FROM {{ ref('stg_hubspot__deal_contacts') }} AS links
    INNER JOIN contacts ON contacts.contact_id = links.contact_id
    QUALIFY row_number() OVER (PARTITION BY links.deal_id ORDER BY contacts.created_at, contacts.contact_id) = 1
),

spend AS (
    SELECT
        CAST(date_trunc('month', day) AS DATE) AS month,
        'PAID_SEARCH' AS channel,
        campaign_name AS campaign,
        CASE WHEN NOT bool_or(rate_missing) THEN sum(cost_reporting) END AS spend,
        sum(clicks) AS clicks,
        bool_or(rate_missing) AS rate_missing
    FROM {{ ref('daily_campaign_spend') }}
    GROUP BY 1, 2, 3
),

leads AS (
    SELECT CAST(date_trunc('month', created_on) AS DATE) AS month, channel, campaign, count(*) AS leads
    FROM contacts
    WHERE created_on IS NOT NULL
    GROUP BY 1, 2, 3
),

deals AS (
    SELECT
        converted.month,
        coalesce(first_contact.channel, 'UNKNOWN') AS channel,
        first_contact.campaign,
        count(*) AS deals_won,
        CASE WHEN NOT bool_or(converted.rate_missing) THEN sum(converted.revenue) END AS revenue,
        bool_or(converted.rate_missing) AS rate_missing
    FROM converted
    LEFT JOIN first_contact ON first_contact.deal_id = converted.deal_id
    GROUP BY 1, 2, 3
),

places AS (
    SELECT month, channel, campaign FROM spend
    UNION DISTINCT
    SELECT month, channel, campaign FROM leads
    UNION DISTINCT
    SELECT month, channel, campaign FROM deals
)

SELECT
    places.month,
    places.channel,
    places.campaign,
    '{{ var("reporting_currency") }}' AS currency,
    spend.spend,
    spend.clicks,
    coalesce(leads.leads, 0) AS leads,
    coalesce(deals.deals_won, 0) AS deals_won,
    deals.revenue,
    spend.spend / nullif(deals.deals_won, 0) AS cac,
    deals.revenue / nullif(spend.spend, 0) AS roas,
    coalesce(spend.rate_missing, false) OR coalesce(deals.rate_missing, false) AS rate_missing
FROM places
LEFT JOIN spend
    ON spend.month = places.month AND spend.channel = places.channel
    AND spend.campaign IS NOT DISTINCT FROM places.campaign
LEFT JOIN leads
    ON leads.month = places.month AND leads.channel = places.channel
    AND leads.campaign IS NOT DISTINCT FROM places.campaign
LEFT JOIN deals
    ON deals.month = places.month AND deals.channel = places.channel
    AND deals.campaign IS NOT DISTINCT FROM places.campaign
