-- Every system table but those that are looked at apart, as far as this role may read them.
SELECT c.relname
FROM pg_class c
WHERE c.relnamespace = 'pg_catalog'::regnamespace AND c.relkind = 'r'
  AND c.relname NOT IN ('pg_largeobject', 'pg_statistic', 'pg_statistic_ext_data')
  AND has_table_privilege(c.oid, 'SELECT')
ORDER BY 1
