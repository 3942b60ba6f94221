-- One row per company of the CRM.
SELECT
    id AS company_id,
    name AS company_name,
    lower(trim(domain)) AS domain,
    industry,
    numberofemployees AS employees,
    annualrevenue AS annual_revenue,
    country,
    createdate AS created_at
FROM {{ source('hubspot', 'companies') }}
