-- Filled materialized views that call out, perhaps through other views: nobody could fill them again.
WITH RECURSIVE calling(oid) AS (
    SELECT w.ev_class
    FROM pg_depend d
    JOIN pg_proc p ON p.oid = d.refobjid AND p.probin ~ '(^|/)(dblink|http|pg_net|curl|amqp)$'
    JOIN pg_rewrite w ON w.oid = d.objid
    WHERE d.classid = 'pg_rewrite'::regclass AND d.refclassid = 'pg_proc'::regclass
    UNION
    SELECT w.ev_class
    FROM calling
    JOIN pg_depend d ON d.classid = 'pg_rewrite'::regclass
                    AND d.refclassid = 'pg_class'::regclass AND d.refobjid = calling.oid
    JOIN pg_rewrite w ON w.oid = d.objid
)
SELECT format('%s.%s', n.nspname, c.relname), 'emptied: it is filled from outside',
       ARRAY[format('REFRESH MATERIALIZED VIEW %I.%I WITH NO DATA', n.nspname, c.relname)], NULL
FROM calling
JOIN pg_class c USING (oid)
JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind = 'm' AND c.relispopulated ORDER BY 1
