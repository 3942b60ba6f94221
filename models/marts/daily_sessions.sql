-- Sessions per day, channel and campaign, over all sources and media.
SELECT
    day,
    channel,
    campaign,
    sum(sessions) AS sessions,
    sum(engaged_sessions) AS engaged_sessions,
    sum(new_users) AS new_users,
    sum(key_events) AS key_events,
    sum(page_views) AS page_views,
    sum(engaged_sessions) / nullif(CAST(sum(sessions) AS DOUBLE), 0) AS engagement_rate
FROM {{ ref('stg_ga4__sessions') }}
GROUP BY day, channel, campaign
