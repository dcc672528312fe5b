-- Indexes of some tables that may go on holding what no row of their table holds. Invalid ones are not built.
SELECT n.nspname, c.relname
FROM pg_index i
JOIN pg_class c ON c.oid = i.indexrelid AND c.relkind = 'i'
JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_am a ON a.oid = c.relam
WHERE i.indrelid = ANY (%s::int8[]) AND i.indisvalid
  AND (a.amname <> 'btree'
       OR EXISTS (SELECT FROM pg_depend d
                  WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.refclassid = 'pg_proc'::regclass))
ORDER BY c.oid
