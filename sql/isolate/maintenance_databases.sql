-- template1 and postgres may hold tables of production too; they are made anew from template0.
SELECT datname, 'made anew, empty',
       ARRAY[format('ALTER DATABASE %I IS_TEMPLATE false', datname), format('DROP DATABASE %I (FORCE)', datname),
             format('CREATE DATABASE %I TEMPLATE template0', datname),
             format('COMMENT ON DATABASE %I IS ''made anew by understudy''', datname)], NULL
FROM pg_database
WHERE datname IN ('template1', 'postgres') AND datname <> current_database()
  AND shobj_description(oid, 'pg_database') IS DISTINCT FROM 'made anew by understudy'
ORDER BY 1
