-- An explainable scorecard: fit (0-40) + engagement (0-40) + recency (0-20), each part a column, the reasons in words.
-- Recency and its reason go by week, month and quarter: a count of days would change every row, and send it, every day.
-- It reads the date, so it is built again when the day turns. A contact without an e-mail keeps its row, since contact_id
-- is the key; the sync's `where` leaves it out, because the CRM is matched by e-mail.
WITH contacts AS (
    SELECT * FROM {{ ref('stg_hubspot__contacts') }}
),

measured AS (
    SELECT
        contacts.*,
        companies.industry,
        date_diff('day', CAST(contacts.last_seen_at AS DATE), current_date) AS days_since_seen,
        coalesce(regexp_matches(
            lower(contacts.job_title), '(^|[^a-z])(c[efmot]o|coo|chief|vp|head of|director|owner|founder)([^a-z]|$)'
        ), false) AS decides,
        coalesce(contacts.employee_band IN ('100-500', '500-1000', '1000+'), false) AS is_large
    FROM contacts
    LEFT JOIN {{ ref('stg_hubspot__companies') }} AS companies
        ON companies.company_id = contacts.company_id
),

parts AS (
    SELECT
        *,
        CASE WHEN decides THEN 15 WHEN job_title IS NOT NULL THEN 5 ELSE 0 END
        + CASE WHEN is_large THEN 10 WHEN employee_band IS NOT NULL THEN 5 ELSE 0 END
        + CASE WHEN annual_revenue >= 5000000 THEN 10 WHEN annual_revenue IS NOT NULL THEN 5 ELSE 0 END
        + CASE WHEN industry IS NOT NULL THEN 5 ELSE 0 END AS fit,
        -- a whole number even where a weight is not: the score is the sum of what people see
        CAST(
            least(12, 2 * visits)
            + least(10, emails_opened)
            + least(10, 5 * emails_clicked)
            + least(8, 4 * forms_filled)
            AS INTEGER
        ) AS engagement,
        CASE
            WHEN days_since_seen <= 7 THEN 20
            WHEN days_since_seen <= 30 THEN 14
            WHEN days_since_seen <= 90 THEN 7
            ELSE 0
        END AS recency
    FROM measured
),

scored AS (
    SELECT
        *,
        CAST(fit + engagement + recency AS INTEGER) AS score
    FROM parts
)

SELECT
    contact_id,
    email,
    is_customer,
    consent_marketing,
    lifecycle_stage,
    first_touch_source,
    first_touch_campaign,
    fit,
    engagement,
    recency,
    score,
    CASE WHEN score >= 70 THEN 'A' WHEN score >= 50 THEN 'B' WHEN score >= 30 THEN 'C' ELSE 'D' END AS grade,
    concat_ws(
        '; ',
        CASE WHEN decides THEN concat('decides: ', job_title) END,
        CASE WHEN is_large THEN concat(employee_band, ' employees') END,
        CASE
            WHEN forms_filled > 0 THEN concat(
                'filled ', forms_filled, CASE forms_filled WHEN 1 THEN ' form' ELSE ' forms' END
            )
        END,
        CASE WHEN visits > 0 THEN concat(visits, CASE visits WHEN 1 THEN ' visit' ELSE ' visits' END) END,
        CASE
            WHEN emails_opened > 0 THEN concat(
                'opened ', emails_opened, CASE emails_opened WHEN 1 THEN ' e-mail' ELSE ' e-mails' END
            )
        END,
        CASE
            WHEN days_since_seen IS NULL THEN 'never seen'
            WHEN days_since_seen <= 7 THEN 'seen in the last week'
            WHEN days_since_seen <= 30 THEN 'seen in the last month'
            WHEN days_since_seen <= 90 THEN 'seen in the last quarter'
            ELSE 'not seen for a quarter'
        END
    ) AS reasons
FROM scored
