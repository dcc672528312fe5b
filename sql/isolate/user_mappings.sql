-- User mappings, which hold credentials of other servers.
SELECT format('%s for %s', srvname, usename), 'dropped',
       ARRAY[format('DROP USER MAPPING FOR %s SERVER %I',
                    CASE umuser WHEN 0 THEN 'PUBLIC' ELSE quote_ident(usename) END, srvname)], NULL
FROM pg_user_mappings ORDER BY 1
