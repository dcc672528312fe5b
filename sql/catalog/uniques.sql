-- Unique and exclusion indexes of the given tables ($1 oid[]) that are in force; '' stands for an expression
-- among the keys. What an index merely includes does not count.
SELECT i.indrelid, c.relname,
       ARRAY(SELECT coalesce(a.attname::text, '')
             FROM unnest(i.indkey[0:i.indnkeyatts - 1]) WITH ORDINALITY AS k(attnum, position)
             LEFT JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.attnum AND k.attnum > 0
             ORDER BY k.position),
       pg_get_indexdef(i.indexrelid), i.indisprimary,
       -- An exclusion constraint keeps rows apart, but does not tell them apart.
       i.indpred IS NOT NULL OR NOT i.indisunique,
       ARRAY(SELECT a.attname::text FROM pg_attribute a
             WHERE a.attrelid = i.indrelid AND a.attnum > 0
               AND (a.attnum = ANY (i.indkey[0:i.indnkeyatts - 1])
                    OR (a.attnum <> ALL (i.indkey[i.indnkeyatts:])
                        AND EXISTS (SELECT FROM pg_depend d
                                    WHERE d.classid = 'pg_class'::regclass AND d.objid = i.indexrelid
                                      AND d.refclassid = 'pg_class'::regclass AND d.refobjid = i.indrelid
                                      AND d.refobjsubid = a.attnum)))
             ORDER BY a.attnum)
FROM pg_index i
JOIN pg_class c ON c.oid = i.indexrelid
WHERE i.indrelid = ANY ($1) AND (i.indisunique OR i.indisexclusion) AND i.indisvalid
ORDER BY 1, i.indisprimary DESC, 2
