-- Every table that can hold rows or partitions, extensions' own tables left out.
SELECT n.nspname, c.relname, c.oid, c.relkind::text,
       pn.nspname AS parent_schema, pc.relname AS parent_name,
       -- Columns of a partition key, those inside its expressions too, depend on the whole table.
       ARRAY(SELECT a.attname::text
             FROM pg_attribute a
             WHERE c.relkind = 'p' AND a.attrelid = c.oid
               AND EXISTS (SELECT FROM pg_depend d
                           WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.objsubid = a.attnum
                             AND d.refclassid = 'pg_class'::regclass AND d.refobjid = c.oid AND d.refobjsubid = 0
                             AND d.deptype = 'i')
             ORDER BY a.attnum) AS partition_key,
       coalesce(pg_get_partition_constraintdef(c.oid), ''),
       c.relnatts, c.relpersistence::text, coalesce(c.reloptions, '{}'), coalesce(ts.spcname, ''),
       -- By its handler: a heap under another name is stored like any other.
       CASE WHEN c.relkind = 'r' AND am.amhandler <> 'heap_tableam_handler'::regproc THEN am.amname ELSE 'heap' END,
       c.reltuples::bigint, CASE c.relkind WHEN 'r' THEN pg_table_size(c.oid) ELSE 0 END
FROM pg_class c
JOIN pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN pg_am am ON am.oid = c.relam
LEFT JOIN pg_tablespace ts ON ts.oid = c.reltablespace
LEFT JOIN pg_inherits i ON i.inhrelid = c.oid AND c.relispartition
LEFT JOIN pg_class pc ON pc.oid = i.inhparent
LEFT JOIN pg_namespace pn ON pn.oid = pc.relnamespace
WHERE c.relkind IN ('r', 'p', 'f') AND c.relpersistence <> 't'
  AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'understudy') AND n.nspname NOT LIKE 'pg\_%'
  AND NOT EXISTS (SELECT FROM pg_depend d
                  WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')
ORDER BY 1, 2
