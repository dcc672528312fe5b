-- User mappings, which hold credentials of other servers.
SELECT format('%s for %s', srvname, usename) FROM pg_user_mappings ORDER BY 1
