-- Every physical attribute of a table ($1), dropped ones included, as a column definition needs it.
SELECT a.attnum, a.attisdropped, a.attname, format_type(a.atttypid, a.atttypmod),
       -- From version 18 on NOT NULL can be NOT VALID: old rows need not obey.
       a.attnotnull AND NOT EXISTS (SELECT FROM pg_constraint k
                                    WHERE k.conrelid = a.attrelid AND k.contype = 'n' AND NOT k.convalidated
                                      AND a.attnum = ANY (k.conkey)),
       a.attgenerated::text, pg_get_expr(d.adbin, d.adrelid),
       cn.nspname, c.collname,
       CASE WHEN a.attstorage <> t.typstorage THEN
            CASE a.attstorage WHEN 'p' THEN 'PLAIN' WHEN 'e' THEN 'EXTERNAL' WHEN 'm' THEN 'MAIN' ELSE 'EXTENDED' END END,
       CASE a.attcompression WHEN 'p' THEN 'pglz' WHEN 'l' THEN 'lz4' END
FROM pg_attribute a
LEFT JOIN pg_type t ON t.oid = a.atttypid
LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum AND a.attgenerated <> ''
LEFT JOIN pg_collation c ON c.oid = a.attcollation
LEFT JOIN pg_namespace cn ON cn.oid = c.collnamespace
WHERE a.attrelid = $1 AND a.attnum > 0
ORDER BY a.attnum
