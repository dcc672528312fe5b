-- Where samples of rows and the texts of statements stand: the tables of statistics, and all views on them.
SELECT n.nspname, c.relname
FROM pg_class c
JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE (c.relname IN ('pg_statistic', 'pg_statistic_ext_data')
       OR c.relkind = 'v' AND c.relname LIKE 'pg\_stat%')
  AND has_table_privilege(c.oid, 'SELECT')
ORDER BY 1, 2
