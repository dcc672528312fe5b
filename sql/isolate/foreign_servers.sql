-- Foreign servers; whatever still hangs on one goes with it.
SELECT srvname, 'dropped', ARRAY[format('DROP SERVER %I CASCADE', srvname)], NULL FROM pg_foreign_server ORDER BY 1
