-- Alternatives measured, in milliseconds, where this takes 1.25: json_build_object and json_agg over joins 4.0, text over
-- joins 2.6, over materialized joins 2.4 to 3.4, and 1.5 without nested loops. Under row-level security the planner
-- estimates one row for every list, so plans and products are looked up in one jsonb value each instead of joined.
WITH offered AS MATERIALIZED (
    SELECT jsonb_object_agg(id, concat(',"selectedPlan":{"name":', to_json(name), '}')) AS by_id
    FROM plans WHERE tenant_id = $1 AND employer_id = $2
), products AS MATERIALIZED (
    SELECT jsonb_object_agg(
        id, concat(',"benefitProduct":{"name":', to_json(name), ',"category":"', category, '"}}')) AS by_id
    FROM benefit_products WHERE tenant_id = $1
)
SELECT concat(
    '{"data":{"employer":{"id":"', r.id, '","name":', to_json(r.name), ',"employees":{"nodes":[', (
        SELECT string_agg(
            concat(
                '{"id":"', e.id, '","firstName":', to_json(e.first_name), ',"lastName":', to_json(e.last_name),
                ',"enrollments":{"nodes":[', (
                    SELECT string_agg(
                        CASE
                            WHEN n.decision = 'ENROLLED' THEN concat(
                                '{"decision":"ENROLLED","coverageTier":"', n.coverage_tier,
                                '","coverageStartDate":"', n.coverage_starts_on,
                                '","employeeContributionCents":', n.employee_contribution_cents,
                                offered.by_id ->> n.selected_plan_id, products.by_id ->> n.benefit_product_id)
                            ELSE concat(
                                '{"decision":', coalesce('"' || n.decision || '"', 'null'),
                                ',"coverageTier":null,"coverageStartDate":null,"employeeContributionCents":null'
                                ',"selectedPlan":null', products.by_id ->> n.benefit_product_id)
                        END, ',' ORDER BY n.id)
                    FROM (
                        SELECT * FROM enrollments WHERE tenant_id = $1 AND employee_id = e.id ORDER BY id LIMIT 20
                    ) AS n
                ), ']}}'), ',' ORDER BY e.last_name, e.id)
        FROM (
            SELECT * FROM employees WHERE tenant_id = $1 AND employer_id = $2 ORDER BY last_name, id LIMIT $3
        ) AS e
    ), ']}}}}')
FROM employers r, offered, products
WHERE r.tenant_id = $1 AND r.id = $2
