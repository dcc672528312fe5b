-- What reads foreign tables that the policy does not name ($1 text[], schema.table): it goes with them.
WITH RECURSIVE outside(oid) AS (
    SELECT c.oid
    FROM pg_class c
    JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind = 'f' AND format('%s.%s', n.nspname, c.relname) <> ALL ($1)
    UNION
    SELECT w.ev_class
    FROM outside
    JOIN pg_depend d ON d.classid = 'pg_rewrite'::regclass
                    AND d.refclassid = 'pg_class'::regclass AND d.refobjid = outside.oid
    JOIN pg_rewrite w ON w.oid = d.objid
)
SELECT format('%s.%s', n.nspname, c.relname), 'dropped with the foreign table it reads', '{}'::text[], NULL
FROM outside
JOIN pg_class c USING (oid)
JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('v', 'm') ORDER BY 1
