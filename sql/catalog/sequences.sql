-- Every sequence with every column that takes values from it: owner, identity, or default. A default that looks
-- its sequence up by text, nextval('name'::text), leaves no dependency behind.
WITH named AS MATERIALIZED (
    SELECT relation, attnum, to_regclass(replace(called, '''''', '''')) AS sequence
    FROM (SELECT adrelid AS relation, adnum AS attnum,
                 substring(pg_get_expr(adbin, adrelid) FROM $$nextval\(\('((?:[^']|'')+)'::text\)::regclass\)$$) AS called
          FROM pg_attrdef OFFSET 0) AS defaults
    WHERE called IS NOT NULL
)
SELECT n.nspname, c.relname, format_type(s.seqtypid, NULL), s.seqstart, s.seqmin, s.seqmax, s.seqincrement,
       s.seqcycle, s.seqcache,
       coalesce((SELECT jsonb_agg(jsonb_build_array(tn.nspname, t.relname, a.attname, ty.typname) ORDER BY tn.nspname, t.relname, a.attname)
                 FROM (SELECT d.refobjid AS relation, d.refobjsubid AS attnum
                       FROM pg_depend d
                       WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid
                         AND d.refclassid = 'pg_class'::regclass AND d.refobjsubid > 0 AND d.deptype IN ('a', 'i')
                       UNION
                       SELECT ad.adrelid, ad.adnum
                       FROM pg_depend d JOIN pg_attrdef ad ON ad.oid = d.objid
                       WHERE d.classid = 'pg_attrdef'::regclass
                         AND d.refclassid = 'pg_class'::regclass AND d.refobjid = c.oid
                       UNION
                       SELECT named.relation, named.attnum FROM named WHERE named.sequence = c.oid) AS used
                 JOIN pg_class t ON t.oid = used.relation
                 JOIN pg_namespace tn ON tn.oid = t.relnamespace
                 JOIN pg_attribute a ON a.attrelid = used.relation AND a.attnum = used.attnum
                 JOIN pg_type dt ON dt.oid = a.atttypid
                 JOIN pg_type ty ON ty.oid = CASE WHEN dt.typtype = 'd' THEN dt.typbasetype ELSE dt.oid END), '[]')
FROM pg_sequence s
JOIN pg_class c ON c.oid = s.seqrelid
JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname <> 'understudy' AND c.relpersistence <> 't'
ORDER BY 1, 2
