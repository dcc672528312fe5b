-- Databases the policy says nothing about: a physical copy brings the whole server's.
SELECT datname FROM pg_database
WHERE datname NOT IN (current_database(), 'template0', 'template1', 'postgres')
ORDER BY 1
