SELECT json_build_object('data', json_build_object('employee', json_build_object(
    'id', id, 'firstName', first_name, 'lastName', last_name, 'email', email, 'employmentClass', employment_class)))::text
FROM employees
WHERE tenant_id = $1 AND id = $2
