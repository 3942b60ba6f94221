-- Website sessions by day and where they came from; the day is the GA4 property's calendar day.
SELECT
    property_id,
    date AS day,
    sessionSource AS source,
    sessionMedium AS medium,
    nullif(sessionCampaignName, '(not set)') AS campaign,
    sessionDefaultChannelGroup AS channel,
    sessions,
    engagedSessions AS engaged_sessions,
    newUsers AS new_users,
    keyEvents AS key_events,
    screenPageViews AS page_views
FROM {{ source('ga4', 'sessions') }}
