-- Whatever holds rows that the scrub may have left as they were: tables, those of extensions too, and large objects.
SELECT n.nspname, c.relname, c.oid::int8
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind = 'r' AND c.relpersistence <> 't'
  AND (n.nspname <> 'pg_catalog' OR c.oid = 'pg_largeobject'::regclass)
ORDER BY c.oid
