-- Indexes of a table ($1), largest first.
SELECT n.nspname, c.relname
FROM pg_index i
JOIN pg_class c ON c.oid = i.indexrelid
JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE i.indrelid = $1
ORDER BY c.relpages DESC, c.relname
