SELECT json_build_object('data', json_build_object('employer', json_build_object(
    'id', r.id, 'name', r.name,
    'employees', json_build_object('nodes', (
        SELECT coalesce(json_agg(json_build_object(
            'id', e.id, 'firstName', e.first_name, 'lastName', e.last_name,
            'enrollments', json_build_object('nodes', (
                SELECT coalesce(json_agg(json_build_object(
                    'decision', n.decision, 'coverageTier', n.coverage_tier,
                    'coverageStartDate', n.coverage_starts_on,
                    'employeeContributionCents', n.employee_contribution_cents,
                    'selectedPlan', CASE WHEN p.id IS NOT NULL THEN json_build_object('name', p.name) END,
                    'benefitProduct', json_build_object('name', b.name, 'category', b.category)
                ) ORDER BY n.id), '[]')
                FROM (
                    SELECT * FROM enrollments WHERE tenant_id = $1 AND employee_id = e.id ORDER BY id LIMIT 20
                ) AS n
                LEFT JOIN plans p ON p.tenant_id = $1 AND p.id = n.selected_plan_id
                JOIN benefit_products b ON b.tenant_id = $1 AND b.id = n.benefit_product_id))
        ) ORDER BY e.last_name, e.id), '[]')
        FROM (
            SELECT * FROM employees WHERE tenant_id = $1 AND employer_id = r.id ORDER BY last_name, id LIMIT $3
        ) AS e
    )))))::text
FROM employers r
WHERE r.tenant_id = $1 AND r.id = $2
