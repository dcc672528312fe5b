-- Foreign keys and checks of the given tables ($1 oid[]); those a partition inherits belong to its root.
SELECT k.conrelid, k.contype::text, k.conname,
       ARRAY(SELECT a.attname::text FROM unnest(k.conkey) WITH ORDINALITY AS c(attnum, position)
             JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = c.attnum ORDER BY c.position),
       fn.nspname, fc.relname,
       ARRAY(SELECT a.attname::text FROM unnest(k.confkey) WITH ORDINALITY AS c(attnum, position)
             JOIN pg_attribute a ON a.attrelid = k.confrelid AND a.attnum = c.attnum ORDER BY c.position),
       k.convalidated, pg_get_constraintdef(k.oid),
       -- The row itself has number 0, system columns negative ones.
       CASE WHEN k.contype = 'c' AND 0 >= ANY (k.conkey) THEN pg_get_expr(k.conbin, k.conrelid) ELSE '' END
FROM pg_constraint k
LEFT JOIN pg_class fc ON fc.oid = k.confrelid
LEFT JOIN pg_namespace fn ON fn.oid = fc.relnamespace
WHERE k.conrelid = ANY ($1) AND k.contype IN ('f', 'c') AND k.conparentid = 0
ORDER BY 1, 2, 3
