-- Code of production's own that seems to know addresses, or that may do whatever the server's user may. Nobody who
-- is let into staging is a superuser, but what is SECURITY DEFINER runs with its owner's rights.
WITH code(name, kind, text, definer, untrusted) AS (
    SELECT p.oid::regprocedure::text, CASE p.prokind WHEN 'p' THEN 'procedure' ELSE 'function' END,
           CASE WHEN p.prosrc <> '' THEN p.prosrc ELSE pg_get_functiondef(p.oid) END, p.prosecdef,
           NOT l.lanpltrusted AND l.lanname <> 'c'
    FROM pg_proc p
    JOIN pg_language l ON l.oid = p.prolang
    -- Below are the server's own objects.
    WHERE p.oid >= 16384 AND p.prokind IN ('f', 'p') AND l.lanname <> 'internal'
      AND NOT EXISTS (SELECT FROM pg_depend d
                      WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e')
    UNION ALL
    SELECT c.oid::regclass::text, 'view', pg_get_viewdef(c.oid), false, false
    FROM pg_class c WHERE c.oid >= 16384 AND c.relkind IN ('v', 'm')
)
SELECT format('%s %s', kind, name),
       concat('reported: ',
              CASE WHEN untrusted THEN 'written in an untrusted language'
                   ELSE 'seems to hold an address or to call out' END,
              CASE WHEN definer THEN ', runs with its owner''s rights' END),
       '{}'::text[], NULL
FROM code
WHERE untrusted
   OR text ~* '\mdblink(_\w+)?\s*\(|\m(host|hostaddr|dbname)='
   OR text ~* '\m\w+://[^/\s]+@|\m(https?|ftp|postgres(ql)?|mysql|amqps?|rediss?|mongodb|ldaps?|smtp)://'
ORDER BY 1
