-- Indexes of a table ($1), largest first, and whether they lean on the physical order of its rows.
SELECT n.nspname, c.relname, i.indisclustered OR m.amname = 'brin', i.indisvalid
FROM pg_index i
JOIN pg_class c ON c.oid = i.indexrelid
JOIN pg_am m ON m.oid = c.relam
JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE i.indrelid = $1
ORDER BY c.relpages DESC, c.relname
