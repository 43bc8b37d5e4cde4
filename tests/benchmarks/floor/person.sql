-- With json_build_object it takes the same time, within the precision of the measurement.
SELECT concat(
    '{"data":{"employee":{"id":"', id, '","firstName":', to_json(first_name), ',"lastName":', to_json(last_name),
    ',"email":', coalesce(to_json(email)::text, 'null'), ',"employmentClass":"', employment_class, '"}}}')
FROM employees
WHERE tenant_id = $1 AND id = $2
