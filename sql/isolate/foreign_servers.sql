-- Foreign servers; their user mappings and foreign tables go with them.
SELECT srvname FROM pg_foreign_server ORDER BY 1
