-- One row per contact of the CRM, typed and named for people.
-- E-mails are trimmed and lower-cased, since HubSpot compares them so; malformed ones stay visible here, and the suite on
-- lead_scores names them. Nothing that our own sync writes back (lead_score, ...) is read: a score must not feed itself.
SELECT
    id AS contact_id,
    nullif(lower(trim(email)), '') AS email,
    trim(concat(coalesce(firstname, ''), ' ', coalesce(lastname, ''))) AS full_name,
    nullif(trim(jobtitle), '') AS job_title,
    country,
    lifecyclestage AS lifecycle_stage,
    coalesce(lifecyclestage = 'customer', false) AS is_customer,
    NOT coalesce(hs_email_optout, false) AS consent_marketing,
    hs_analytics_source AS first_touch_source,
    -- for paid search HubSpot records the Google Ads campaign by its name
    hs_analytics_first_touch_converting_campaign AS first_touch_campaign,
    -- HubSpot's numbers are doubles: as counts they are whole and never below 0, and 1e15 is where doubles stop being exact
    CAST(least(greatest(coalesce(hs_analytics_num_visits, 0), 0), 1e15) AS BIGINT) AS visits,
    CAST(least(greatest(coalesce(hs_analytics_num_page_views, 0), 0), 1e15) AS BIGINT) AS page_views,
    CAST(least(greatest(coalesce(hs_email_open, 0), 0), 1e15) AS BIGINT) AS emails_opened,
    CAST(least(greatest(coalesce(hs_email_click, 0), 0), 1e15) AS BIGINT) AS emails_clicked,
    CAST(least(greatest(coalesce(num_conversion_events, 0), 0), 1e15) AS BIGINT) AS forms_filled,
    -- either may be missing; engines differ in what greatest() then gives
    coalesce(
        greatest(hs_analytics_last_timestamp, notes_last_contacted), hs_analytics_last_timestamp, notes_last_contacted
    ) AS last_seen_at,
    associatedcompanyid AS company_id,
    -- in most portals a text that people type: what is no number is no revenue, and stops nobody else's score
    TRY_CAST(annualrevenue AS DOUBLE) AS annual_revenue,
    numemployees AS employee_band,
    createdate AS created_at
FROM {{ source('hubspot', 'contacts') }}
