-- What each channel and campaign cost and brought, by month, in one reporting currency.
-- Attribution is first touch as the CRM recorded it: a contact's source, and for paid search its Google Ads campaign.
-- How it converts: instants of the CRM are UTC and become the reporting time zone before their month is taken; an ad
-- account's day stays that account's calendar day; money takes its month's rate (see daily_campaign_spend).
-- Everything is summed before it is joined, so no row can fan out; a deal of several contacts counts once, for the contact
-- that was created first.
WITH rates AS (
    SELECT month, currency, usd_per_unit FROM {{ ref('exchange_rates') }}
),

contacts AS (
    SELECT
        contact_id,
        coalesce(first_touch_source, 'UNKNOWN') AS channel,
        CASE WHEN first_touch_source = 'PAID_SEARCH' THEN first_touch_campaign END AS campaign,
        created_at,
        date_trunc('month', CAST(
            timezone('{{ var("reporting_timezone") }}', timezone('UTC', created_at)) AS DATE
        )) AS month
    FROM {{ ref('stg_hubspot__contacts') }}
),

won AS (
    SELECT
        deals.deal_id,
        deals.currency,
        deals.amount,
        date_trunc('month', CAST(
            timezone('{{ var("reporting_timezone") }}', timezone('UTC', deals.closed_at)) AS DATE
        )) AS month
    FROM {{ ref('stg_hubspot__deals') }} AS deals
    WHERE deals.is_won AND deals.closed_at IS NOT NULL
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
        sum(cost_reporting) AS spend,
        sum(clicks) AS clicks,
        bool_or(rate_missing) AS rate_missing
    FROM {{ ref('daily_campaign_spend') }}
    GROUP BY 1, 2, 3
),

leads AS (
    SELECT CAST(month AS DATE) AS month, channel, campaign, count(*) AS leads
    FROM contacts
    GROUP BY 1, 2, 3
),

deals AS (
    SELECT
        CAST(won.month AS DATE) AS month,
        coalesce(first_contact.channel, 'UNKNOWN') AS channel,
        first_contact.campaign,
        count(*) AS deals_won,
        sum(CASE
            WHEN won.currency = '{{ var("reporting_currency") }}' THEN won.amount
            ELSE won.amount * own.usd_per_unit / reporting.usd_per_unit
        END) AS revenue,
        bool_or(won.currency <> '{{ var("reporting_currency") }}'
            AND (own.usd_per_unit IS NULL OR reporting.usd_per_unit IS NULL)) AS rate_missing
    FROM won
    LEFT JOIN first_contact ON first_contact.deal_id = won.deal_id
    LEFT JOIN rates AS own ON own.currency = won.currency AND own.month = won.month
    LEFT JOIN rates AS reporting
        ON reporting.currency = '{{ var("reporting_currency") }}' AND reporting.month = won.month
    GROUP BY 1, 2, 3
),

places AS (
    SELECT month, channel, campaign FROM spend
    UNION
    SELECT month, channel, campaign FROM leads
    UNION
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
