-- Everything in which a database keeps rows of its users, largest first; extensions' tables too, they fill up alike.
SELECT c.relkind = 'm', n.nspname, c.relname,
       array_agg(a.attname::text ORDER BY a.attnum),
       -- Values that hold values: their parts stand between other marks than whole columns do.
       array_agg(a.attname::text) FILTER (WHERE t.typcategory IN ('A', 'C')),
       array_agg(a.attname::text) FILTER (WHERE t.typname IN ('json', 'jsonb', 'hstore'))
FROM pg_class c
JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
JOIN pg_type t ON t.oid = a.atttypid
WHERE c.relkind IN ('r', 'm') AND c.relpersistence <> 't' AND c.relispopulated
  AND n.nspname <> 'pg_catalog' AND n.nspname NOT LIKE 'pg\_%'
GROUP BY c.oid, n.oid
ORDER BY pg_table_size(c.oid) DESC, 2, 3
