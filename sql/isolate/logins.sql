-- Roles that could log in or replicate, but for the one that the runner is. What they own and may do stays as it
-- is: views and functions run with their rights.
SELECT rolname, 'may no longer log in', ARRAY[format('ALTER ROLE %I NOLOGIN NOREPLICATION', rolname)], NULL
FROM pg_roles WHERE (rolcanlogin OR rolreplication) AND oid <> 10 AND rolname <> current_user ORDER BY 1
