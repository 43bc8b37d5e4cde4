-- The whole election in one statement: the idempotency key, the locks (employee, enrollment; the plan year shared), the
-- facts of the rules, the election, the event, and the payload. No row: the election is refused, or was made before.
-- Restricted to enrollments without a life event, and to coverage of the employee alone.
WITH taken AS (
    INSERT INTO idempotency_keys (tenant_id, caller, mutation, key, input_hash, result, created_at)
    VALUES ($1, 'floor', 'elect', $5, $6, jsonb_build_object('enrollment_ids', jsonb_build_array($3::text)), now())
    ON CONFLICT DO NOTHING
    RETURNING true
), facts AS MATERIALIZED (
    SELECT n.id, n.effective_on, p.id AS plan_id, p.name, p.monthly_premium_cents AS premium,
        CASE WHEN c.employer_contribution_cents IS NOT NULL
            THEN least(c.employer_contribution_cents, p.monthly_premium_cents) END AS employer_pays,
        least(y.coverage_ends_on,
            (date_trunc('month', e.terminated_on) + interval '1 month - 1 day')::date) AS covered_until,
        n.decision IS NULL AND n.reason <> 'LIFE_EVENT' AND coalesce(n.closed_on > today.day, true)
            AND y.coverage_ends_on >= today.day
            AND today.day BETWEEN coalesce(n.window_opens_on, y.open_enrollment_starts_on)
                AND coalesce(n.window_closes_on, y.open_enrollment_ends_on) AS is_open,
        coalesce(n.effective_on < e.terminated_on, true) AND n.effective_on <= y.coverage_ends_on
            AND n.effective_on >= greatest(y.coverage_starts_on, waited.until) AS is_eligible
    FROM employees e
    JOIN enrollments n ON n.tenant_id = $1 AND n.employee_id = e.id AND n.id = $3
    JOIN employers r ON r.tenant_id = $1 AND r.id = n.employer_id
    JOIN plan_years y ON y.tenant_id = $1 AND y.id = n.plan_year_id
    LEFT JOIN plans p ON p.tenant_id = $1 AND p.id = $4 AND p.plan_year_id = y.id
    LEFT JOIN LATERAL (
        SELECT employer_contribution_cents FROM contribution_classes
        WHERE tenant_id = $1 AND plan_year_id = y.id AND employment = e.employment_class
          AND family_status IN ('EE', 'UNSPECIFIED')
        ORDER BY family_status LIMIT 1
    ) AS c ON true
    CROSS JOIN LATERAL (SELECT (now() AT TIME ZONE r.time_zone)::date AS day) AS today
    CROSS JOIN LATERAL (SELECT greatest(e.hired_on, e.class_changed_on) AS day) AS since
    CROSS JOIN LATERAL (SELECT since.day + y.waiting_period_days AS day) AS over
    CROSS JOIN LATERAL (
        SELECT least(since.day + 90, CASE WHEN y.starts_on_first_of_month
            THEN (date_trunc('month', over.day - 1) + interval '1 month')::date ELSE over.day END) AS until
    ) AS waited
    WHERE e.tenant_id = $1 AND e.id = $2
    FOR NO KEY UPDATE OF e, n FOR SHARE OF y
), answered AS (
    UPDATE enrollments n
    SET decision = 'ENROLLED', decided_at = now(), coverage_tier = 'EE', selected_plan_id = f.plan_id,
        employee_contribution_cents = f.premium - f.employer_pays, employer_contribution_cents = f.employer_pays,
        coverage_starts_on = f.effective_on, coverage_ends_on = f.covered_until,
        version = n.version + 1, updated_at = now()
    FROM facts f
    WHERE n.tenant_id = $1 AND n.id = f.id AND f.is_open AND f.is_eligible AND f.plan_id IS NOT NULL
      AND f.employer_pays IS NOT NULL AND EXISTS (SELECT FROM taken)
    RETURNING n.*
), noted AS (
    INSERT INTO events (tenant_id, id, employer_id, employee_id, subject_id, action, actor, actor_role, occurred_at,
        request_id, before, after, created_at)
    SELECT $1, $7, a.employer_id, a.employee_id, a.id, 'ENROLLED', 'floor', 'ADMINISTRATOR', now(), $8,
        jsonb_build_object('decision', NULL, 'decided_at', NULL, 'coverage_tier', NULL, 'selected_plan_id', NULL,
            'employee_contribution_cents', NULL, 'employer_contribution_cents', NULL, 'coverage_starts_on', NULL,
            'coverage_ends_on', NULL),
        jsonb_build_object('decision', a.decision, 'decided_at', a.decided_at, 'coverage_tier', a.coverage_tier,
            'selected_plan_id', a.selected_plan_id, 'employee_contribution_cents', a.employee_contribution_cents,
            'employer_contribution_cents', a.employer_contribution_cents, 'coverage_starts_on', a.coverage_starts_on,
            'coverage_ends_on', a.coverage_ends_on),
        now()
    FROM answered a
)
SELECT concat('{"data":{"elect":{"enrollments":[{"id":"', a.id, '","status":"ENROLLED","coverageTier":"', a.coverage_tier,
    '","selectedPlan":{"id":"', f.plan_id, '","name":', to_json(f.name), '}}],"userErrors":[]}}}')
FROM answered a JOIN facts f ON f.id = a.id
