-- template1 and postgres may hold tables of production too; they are made anew from template0.
SELECT datname FROM pg_database
WHERE datname IN ('template1', 'postgres') AND datname <> current_database()
  AND shobj_description(oid, 'pg_database') IS DISTINCT FROM 'made anew by understudy'
ORDER BY 1
