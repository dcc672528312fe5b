-- Constraints that hold for every row, by table; NOT ENFORCED exists from version 18 on.
SELECT n.nspname, t.relname, k.conname,
       k.convalidated AND coalesce((to_jsonb(k) ->> 'conenforced')::boolean, true)
FROM pg_constraint k
JOIN pg_class t ON t.oid = k.conrelid
JOIN pg_namespace n ON n.oid = t.relnamespace
WHERE n.nspname NOT IN ('pg_catalog', 'information_schema', 'understudy') AND n.nspname NOT LIKE 'pg\_%'
ORDER BY 1, 2, 3
