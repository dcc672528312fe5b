-- The new TOAST table and its index take the old one's names and options ($1 table, $2 options of the old one).
UPDATE pg_class c
SET relname = 'pg_toast_' || $1::oid || CASE c.relkind WHEN 'i' THEN '_index' ELSE '' END,
    reloptions = CASE c.relkind WHEN 'i' THEN c.reloptions ELSE $2 END
FROM pg_class t
WHERE t.oid = $1 AND (c.oid = t.reltoastrelid
                      OR c.oid IN (SELECT indexrelid FROM pg_index WHERE indrelid = t.reltoastrelid))
