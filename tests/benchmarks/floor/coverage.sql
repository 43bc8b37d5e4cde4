-- Alternatives measured: a subquery for the dependents of each enrollment +8 %, json_build_object and json_agg
-- throughout +20 %. Values without quotation marks (ids, checked words, dates, numbers) are not escaped.
WITH covered AS MATERIALIZED (
    SELECT jsonb_object_agg(enrollment_id, family) AS by_enrollment
    FROM (
        SELECT c.enrollment_id, string_agg(
            concat('{"firstName":', to_json(d.first_name), ',"lastName":', to_json(d.last_name),
                ',"relationship":"', d.relationship, '"}'), ',' ORDER BY d.id) AS family
        FROM dependents d
        JOIN enrolled_dependents c ON c.tenant_id = $1 AND c.employer_id = d.employer_id AND c.employee_id = $2
            AND c.dependent_id = d.id
        WHERE d.tenant_id = $1 AND d.employee_id = $2
        GROUP BY c.enrollment_id
    ) AS families
)
SELECT concat(
    '{"data":{"employee":{"id":"', e.id, '","firstName":', to_json(e.first_name), ',"lastName":', to_json(e.last_name),
    ',"enrollments":{"nodes":[', (
        SELECT string_agg(
            concat(
                '{"id":"', n.id, '","decision":', coalesce('"' || n.decision || '"', 'null'),
                ',"coverageTier":', coalesce('"' || n.coverage_tier || '"', 'null'), ',"selectedPlan":',
                CASE WHEN p.id IS NULL THEN 'null' ELSE concat(
                    '{"name":', to_json(p.name), ',"tier":', coalesce('"' || p.tier || '"', 'null'),
                    ',"monthlyPremiumCents":', p.monthly_premium_cents, '}') END,
                ',"planYear":{"coverageStart":"', y.coverage_starts_on, '","coverageEnd":"', y.coverage_ends_on,
                '"},"enrolledDependents":[', covered.by_enrollment ->> n.id, ']}'), ',' ORDER BY n.id)
        FROM (
            SELECT * FROM enrollments WHERE tenant_id = $1 AND employee_id = $2 ORDER BY id LIMIT 20
        ) AS n
        JOIN plan_years y ON y.tenant_id = $1 AND y.id = n.plan_year_id
        LEFT JOIN plans p ON p.tenant_id = $1 AND p.id = n.selected_plan_id
    ), ']}}}}')
FROM employees e, covered
WHERE e.tenant_id = $1 AND e.id = $2
