-- What a role ($1) is or can become that may run programs, reach other servers, or make itself such a role.
SELECT rolname FROM pg_roles
WHERE pg_has_role($1::name, oid, 'MEMBER')
  AND (rolsuper OR rolcreaterole OR rolreplication
       OR rolname IN ('pg_execute_server_program', 'pg_read_server_files', 'pg_write_server_files',
                      'pg_create_subscription'))
ORDER BY 1
