-- PostGraphile's objects in the database: a function for W4, which it exposes as a mutation, and a relation. The function
-- takes the steps of floor/elect.sql one by one, and raises an exception for a refusal.
CREATE OR REPLACE FUNCTION public.elect(employee text, enrollment text, plan text, key text) RETURNS public.enrollments
LANGUAGE plpgsql VOLATILE SECURITY INVOKER AS $$
DECLARE
    tenant CONSTANT text := current_setting('app.tenant');
    hash CONSTANT bytea := sha256(convert_to(concat_ws(' ', employee, enrollment, plan), 'UTF8'));
    kept bytea;
    person employees;
    answered enrollments;
    year plan_years;
    offered plans;
    today date;
    eligible_on date;
    employer_pays bigint;
BEGIN
    INSERT INTO idempotency_keys (tenant_id, caller, mutation, key, input_hash, result, created_at)
    VALUES (tenant, 'postgraphile', 'elect', elect.key, hash,
        jsonb_build_object('enrollment_ids', jsonb_build_array(enrollment)), now())
    ON CONFLICT DO NOTHING;
    IF NOT FOUND THEN
        SELECT input_hash INTO kept FROM idempotency_keys k
        WHERE k.tenant_id = tenant AND k.caller = 'postgraphile' AND k.mutation = 'elect' AND k.key = elect.key;
        IF kept <> hash THEN
            RAISE EXCEPTION 'IDEMPOTENCY_KEY_REUSED';
        END IF;
        SELECT * INTO answered FROM enrollments n WHERE n.tenant_id = tenant AND n.id = enrollment;
        RETURN answered;
    END IF;

    SELECT * INTO person FROM employees e WHERE e.tenant_id = tenant AND e.id = employee FOR NO KEY UPDATE;
    SELECT * INTO answered FROM enrollments n
    WHERE n.tenant_id = tenant AND n.employee_id = employee AND n.id = enrollment FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'NOT_FOUND';
    END IF;
    SELECT * INTO year FROM plan_years y WHERE y.tenant_id = tenant AND y.id = answered.plan_year_id FOR SHARE;
    SELECT (now() AT TIME ZONE r.time_zone)::date INTO today
    FROM employers r WHERE r.tenant_id = tenant AND r.id = answered.employer_id;
    IF answered.decision IS NOT NULL OR answered.reason = 'LIFE_EVENT' OR answered.closed_on <= today
        OR year.coverage_ends_on < today THEN
        RAISE EXCEPTION 'ENROLLMENT_NOT_PENDING';
    END IF;
    IF today NOT BETWEEN coalesce(answered.window_opens_on, year.open_enrollment_starts_on)
        AND coalesce(answered.window_closes_on, year.open_enrollment_ends_on) THEN
        RAISE EXCEPTION 'WINDOW_NOT_OPEN';
    END IF;
    eligible_on := greatest(person.hired_on, person.class_changed_on) + year.waiting_period_days;
    IF year.starts_on_first_of_month THEN
        eligible_on := date_trunc('month', eligible_on - 1) + interval '1 month';
    END IF;
    eligible_on := least(eligible_on, greatest(person.hired_on, person.class_changed_on) + 90);
    IF answered.effective_on >= person.terminated_on OR answered.effective_on < eligible_on
        OR answered.effective_on NOT BETWEEN year.coverage_starts_on AND year.coverage_ends_on THEN
        RAISE EXCEPTION 'NOT_ELIGIBLE';
    END IF;
    SELECT * INTO offered FROM plans p WHERE p.tenant_id = tenant AND p.id = plan AND p.plan_year_id = year.id;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'PLAN_NOT_OFFERED';
    END IF;
    SELECT least(c.employer_contribution_cents, offered.monthly_premium_cents) INTO employer_pays
    FROM contribution_classes c
    WHERE c.tenant_id = tenant AND c.plan_year_id = year.id AND c.employment = person.employment_class
      AND c.family_status IN ('EE', 'UNSPECIFIED')
    ORDER BY c.family_status LIMIT 1;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'TIER_NOT_OFFERED';
    END IF;

    UPDATE enrollments n
    SET decision = 'ENROLLED', decided_at = now(), coverage_tier = 'EE', selected_plan_id = offered.id,
        employee_contribution_cents = offered.monthly_premium_cents - employer_pays,
        employer_contribution_cents = employer_pays, coverage_starts_on = n.effective_on,
        coverage_ends_on = least(year.coverage_ends_on,
            (date_trunc('month', person.terminated_on) + interval '1 month - 1 day')::date),
        version = n.version + 1, updated_at = now()
    WHERE n.tenant_id = tenant AND n.id = enrollment
    RETURNING * INTO answered;
    INSERT INTO events (tenant_id, id, employer_id, employee_id, subject_id, action, actor, actor_role, occurred_at,
        request_id, before, after, created_at)
    VALUES (tenant,
        -- An id that sorts by time, made of the digits that base 16 and base 32 share.
        'evnt_0' || lpad(to_hex((extract(epoch FROM clock_timestamp()) * 1000)::bigint), 12, '0')
            || left(replace(gen_random_uuid()::text, '-', ''), 13),
        answered.employer_id, employee, enrollment, 'ENROLLED', 'postgraphile', 'ADMINISTRATOR', now(),
        left(replace(gen_random_uuid()::text, '-', ''), 24),
        jsonb_build_object('decision', NULL, 'decided_at', NULL, 'coverage_tier', NULL, 'selected_plan_id', NULL,
            'employee_contribution_cents', NULL, 'employer_contribution_cents', NULL, 'coverage_starts_on', NULL,
            'coverage_ends_on', NULL),
        jsonb_build_object('decision', answered.decision, 'decided_at', answered.decided_at,
            'coverage_tier', answered.coverage_tier, 'selected_plan_id', answered.selected_plan_id,
            'employee_contribution_cents', answered.employee_contribution_cents,
            'employer_contribution_cents', answered.employer_contribution_cents,
            'coverage_starts_on', answered.coverage_starts_on, 'coverage_ends_on', answered.coverage_ends_on),
        now());
    RETURN answered;
END $$;

-- A relation without a foreign key of its own, because the plan year's key includes it; it saves PostGraphile a join.
COMMENT ON TABLE public.enrollments
IS E'@foreignKey (tenant_id, benefit_product_id) references benefit_products (tenant_id, id)';
