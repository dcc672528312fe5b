-- Databases the policy says nothing about: a physical copy brings the whole server's.
SELECT datname, 'dropped',
       ARRAY[format('ALTER DATABASE %I IS_TEMPLATE false', datname), format('DROP DATABASE %I (FORCE)', datname)], NULL
FROM pg_database
WHERE datname NOT IN (current_database(), 'template0', 'template1', 'postgres')
ORDER BY 1
