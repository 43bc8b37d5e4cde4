SELECT json_build_object('data', json_build_object('employee', json_build_object(
    'id', e.id, 'firstName', e.first_name, 'lastName', e.last_name,
    'enrollments', json_build_object('nodes', (
        SELECT coalesce(json_agg(json_build_object(
            'id', n.id, 'decision', n.decision, 'coverageTier', n.coverage_tier,
            'selectedPlan', CASE WHEN p.id IS NOT NULL THEN json_build_object(
                'name', p.name, 'tier', p.tier, 'monthlyPremiumCents', p.monthly_premium_cents) END,
            'planYear', json_build_object('coverageStart', y.coverage_starts_on, 'coverageEnd', y.coverage_ends_on),
            'enrolledDependents', (
                SELECT coalesce(json_agg(json_build_object(
                    'firstName', d.first_name, 'lastName', d.last_name, 'relationship', d.relationship)
                    ORDER BY d.id), '[]')
                FROM enrolled_dependents c JOIN dependents d ON d.tenant_id = $1 AND d.id = c.dependent_id
                WHERE c.tenant_id = $1 AND c.enrollment_id = n.id)
        ) ORDER BY n.id), '[]')
        FROM (
            SELECT * FROM enrollments WHERE tenant_id = $1 AND employee_id = e.id ORDER BY id LIMIT 20
        ) AS n
        JOIN plan_years y ON y.tenant_id = $1 AND y.id = n.plan_year_id
        LEFT JOIN plans p ON p.tenant_id = $1 AND p.id = n.selected_plan_id
    )))))::text
FROM employees e
WHERE e.tenant_id = $1 AND e.id = $2
