-- Live columns of the given tables ($1 oid[]), with the type under domains and arrays.
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
    WHERE t.typtype = 'd' OR (t.typcategory = 'A' AND t.typelem <> 0)
)
SELECT a.attrelid, a.attname, a.attnum, format_type(a.atttypid, a.atttypmod), t.typname, t.typcategory::text, u.is_array,
       CASE WHEN t.typname IN ('varchar', 'bpchar') AND u.modifier > 4 THEN u.modifier - 4 END,
       CASE WHEN t.typname = 'numeric' AND u.modifier > 4 THEN ((u.modifier - 4) >> 16) & 65535 END,
       CASE WHEN t.typname = 'numeric' AND u.modifier > 4 THEN (((u.modifier - 4) & 2047) # 1024) - 1024 END,
       u.not_null,
       pg_get_expr(d.adbin, d.adrelid), a.attidentity::text, a.attgenerated::text
FROM under u
JOIN pg_type t ON t.oid = u.type AND t.typtype <> 'd' AND NOT (t.typcategory = 'A' AND t.typelem <> 0)
JOIN pg_attribute a ON a.attrelid = u.attrelid AND a.attnum = u.attnum
LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
ORDER BY 1, 3
