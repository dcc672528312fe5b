-- Unique indexes of the given tables ($1 oid[]); '' stands for an expression among the keys.
SELECT i.indrelid, c.relname,
       ARRAY(SELECT coalesce(a.attname::text, '')
             FROM unnest(i.indkey[0:i.indnkeyatts - 1]) WITH ORDINALITY AS k(attnum, position)
             LEFT JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.attnum AND k.attnum > 0
             ORDER BY k.position),
       pg_get_indexdef(i.indexrelid), i.indisprimary, i.indpred IS NOT NULL,
       ARRAY(SELECT a.attname::text FROM pg_attribute a
             WHERE a.attrelid = i.indrelid AND a.attnum > 0
               AND (a.attnum = ANY (i.indkey)
                    OR EXISTS (SELECT FROM pg_depend d
                               WHERE d.classid = 'pg_class'::regclass AND d.objid = i.indexrelid
                                 AND d.refclassid = 'pg_class'::regclass AND d.refobjid = i.indrelid
                                 AND d.refobjsubid = a.attnum))
             ORDER BY a.attnum)
FROM pg_index i
JOIN pg_class c ON c.oid = i.indexrelid
WHERE i.indrelid = ANY ($1) AND i.indisunique
ORDER BY 1, i.indisprimary DESC, 2
