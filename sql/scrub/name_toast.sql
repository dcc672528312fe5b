-- The new TOAST table and its index take the old one's names and options ($1 table, $2 options of the old one).
UPDATE pg_class c
SET relname = 'pg_toast_' || $1::oid || CASE c.relkind WHEN 'i' THEN '_index' ELSE '' END,
    reloptions = CASE c.relkind WHEN 'i' THEN c.reloptions ELSE $2 END
-- An array, because the planner would read the whole catalog for an OR.
WHERE c.oid = ANY (ARRAY(SELECT reltoastrelid FROM pg_class WHERE oid = $1
                         UNION ALL
                         SELECT i.indexrelid FROM pg_class t JOIN pg_index i ON i.indrelid = t.reltoastrelid WHERE t.oid = $1))
