-- Live columns of the given tables and attributes of the given composite types ($1 oid[]), with the type under
-- domains and arrays.
WITH RECURSIVE under(attrelid, attnum, type, modifier, is_array, not_null) AS (
    SELECT a.attrelid, a.attnum, a.atttypid, a.atttypmod, false, a.attnotnull
    FROM pg_attribute a
    WHERE a.attrelid = ANY ($1) AND a.attnum > 0 AND NOT a.attisdropped
    UNION ALL
    SELECT u.attrelid, u.attnum,
           CASE WHEN t.typtype = 'd' THEN t.typbasetype ELSE t.typelem END,
           CASE WHEN t.typtype = 'd' AND u.modifier = -1 THEN t.typtypmod ELSE u.modifier END,
           u.is_array OR t.typtype <> 'd',
           u.not_null OR (t.typtype = 'd' AND t.typnotnull AND NOT u.is_array)
    FROM under u
    JOIN pg_type t ON t.oid = u.type
    WHERE t.typtype = 'd' OR (t.typcategory = 'A' AND t.typelem <> 0 AND t.typname NOT IN ('int2vector', 'oidvector'))
)
SELECT a.attrelid, a.attname, a.attnum, format_type(a.atttypid, a.atttypmod),
       CASE t.typtype WHEN 'e' THEN 'enum' WHEN 'c' THEN 'composite'
            ELSE CASE WHEN n.nspname = 'pg_catalog' THEN t.typname
                      WHEN t.typtype = 'r' THEN 'range' WHEN t.typtype = 'm' THEN 'multirange' ELSE t.typname END END,
       t.typcategory::text, u.is_array,
       CASE WHEN t.typname IN ('varchar', 'bpchar') AND u.modifier > 4 THEN u.modifier - 4 END,
       CASE WHEN t.typname = 'numeric' AND u.modifier > 4 THEN ((u.modifier - 4) >> 16) & 65535 END,
       CASE WHEN t.typname = 'numeric' AND u.modifier > 4 THEN (((u.modifier - 4) & 2047) # 1024) - 1024 END,
       u.not_null,
       pg_get_expr(d.adbin, d.adrelid), a.attidentity::text, a.attgenerated::text,
       CASE WHEN n.nspname <> 'pg_catalog' THEN concat(quote_ident(n.nspname), '.', quote_ident(t.typname))
            WHEN t.typname IN ('char', 'bit') THEN quote_ident(t.typname) ELSE '' END,
       a.attcollation NOT IN (0, 'pg_catalog.default'::regcollation),
       -- What the server has parsed need not be parsed again. Up to version 14 the column itself depends on what
       -- its expression reads, later the expression does.
       CASE WHEN a.attgenerated = '' THEN '{}'
            ELSE ARRAY(SELECT DISTINCT i.attname::text FROM pg_depend p
                       JOIN pg_attribute i ON i.attrelid = p.refobjid AND i.attnum = p.refobjsubid
                       WHERE ((p.classid = 'pg_attrdef'::regclass AND p.objid = d.oid)
                              OR (p.classid = 'pg_class'::regclass AND p.objid = a.attrelid AND p.objsubid = a.attnum))
                         AND p.refclassid = 'pg_class'::regclass AND p.refobjid = a.attrelid AND i.attnum <> a.attnum
                       ORDER BY 1) END,
       CASE WHEN t.typtype = 'e'
            THEN ARRAY(SELECT e.enumlabel::text FROM pg_enum e WHERE e.enumtypid = t.oid ORDER BY e.enumsortorder)
            ELSE '{}' END,
       t.typrelid
FROM under u
JOIN pg_type t ON t.oid = u.type AND t.typtype <> 'd'
              AND NOT (t.typcategory = 'A' AND t.typelem <> 0 AND t.typname NOT IN ('int2vector', 'oidvector'))
JOIN pg_namespace n ON n.oid = t.typnamespace
JOIN pg_attribute a ON a.attrelid = u.attrelid AND a.attnum = u.attnum
LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
ORDER BY 1, 3
