-- Every catalog of the database but large objects, which may be large; those of the whole server only where it is ours.
SELECT c.relname
FROM pg_class c
WHERE c.relkind = 'r' AND c.relnamespace = 'pg_catalog'::regnamespace AND c.oid <> 'pg_largeobject'::regclass
  AND (%s OR NOT c.relisshared)
ORDER BY c.oid
