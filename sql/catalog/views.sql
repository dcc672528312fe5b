-- Views and materialized views with what they read directly, extensions' own left out.
SELECT n.nspname, c.relname, c.relkind = 'm', c.relispopulated,
       coalesce((SELECT jsonb_agg(DISTINCT jsonb_build_array(rn.nspname, r.relname))
                 FROM pg_rewrite w
                 JOIN pg_depend d ON d.classid = 'pg_rewrite'::regclass AND d.objid = w.oid
                                 AND d.refclassid = 'pg_class'::regclass AND d.refobjid <> c.oid
                 JOIN pg_class r ON r.oid = d.refobjid AND r.relkind IN ('r', 'p', 'v', 'm', 'f')
                 JOIN pg_namespace rn ON rn.oid = r.relnamespace
                 WHERE w.ev_class = c.oid), '[]')
FROM pg_class c
JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('v', 'm')
  AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'understudy') AND n.nspname NOT LIKE 'pg\_%'
  AND NOT EXISTS (SELECT FROM pg_depend d
                  WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')
ORDER BY 1, 2
