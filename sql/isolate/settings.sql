-- ALTER ROLE and ALTER DATABASE settings that carry hosts or secrets, load libraries, or have the server log what
-- sessions do. Names of an application's own settings are judged by their words, values by what they look like.
WITH given AS (
    SELECT rolname, datname, setrole = 0 AND setdatabase = 0 AS of_all, split_part(item, '=', 1) AS name,
           substr(item, strpos(item, '=') + 1) AS value
    FROM pg_db_role_setting s
    CROSS JOIN unnest(setconfig) AS item
    LEFT JOIN pg_database d ON d.oid = s.setdatabase
    LEFT JOIN pg_roles r ON r.oid = s.setrole
    WHERE s.setdatabase = 0 OR d.datname = current_database()
)
SELECT concat_ws(' ', name, 'of', 'role ' || rolname, 'database ' || datname, CASE WHEN of_all THEN 'all roles' END),
       'reset',
       ARRAY[concat_ws(' ', 'ALTER', CASE WHEN of_all THEN 'ROLE ALL' END, 'ROLE ' || quote_ident(rolname),
                       CASE WHEN rolname IS NOT NULL AND datname IS NOT NULL THEN 'IN' END,
                       'DATABASE ' || quote_ident(datname), 'RESET',
                       (SELECT string_agg(quote_ident(part), '.') FROM unnest(string_to_array(name, '.')) AS part))],
       NULL
FROM given
WHERE name IN ('session_preload_libraries', 'local_preload_libraries', 'dynamic_library_path', 'jit_provider')
   OR name ~ '^(log|debug|auto_explain\.log)_'
   OR (name LIKE '%.%'
       AND name ~* '(pass|secret|token|key|credential|auth|dsn|url|uri|host|server|endpoint)')
   OR value ~* '(://|\m(host|hostaddr|password|dbname)\s*=)'
ORDER BY 1
