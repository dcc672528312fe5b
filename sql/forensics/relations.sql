-- The file of every relation here and of the shared ones, what an engineer calls it, and whether rows show all it holds.
WITH named AS (
    SELECT c.oid, c.relkind, c.reltoastrelid,
           CASE WHEN n.nspname = 'pg_catalog' THEN c.relname ELSE n.nspname || '.' || c.relname END AS name,
           CASE WHEN n.nspname = 'pg_catalog' AND c.relkind = 'r' THEN 'catalog '
                WHEN c.relkind = 'r' THEN 'table '
                WHEN c.relkind = 'm' THEN 'materialized view '
                WHEN c.relkind = 'S' THEN 'sequence '
                WHEN c.relkind = 'i' THEN 'index '
                ELSE 'relation ' END AS kind,
           -- Rows keep what a column held when it was dropped, and nobody can ask for it.
           c.relkind IN ('r', 'm') AND NOT EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attisdropped)
               AS shown
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
), tables AS (
    SELECT oid, kind || name AS place, CASE kind WHEN 'catalog ' THEN kind || name ELSE name END AS short, shown
    FROM named WHERE relkind NOT IN ('i', 't')
    UNION ALL
    SELECT t.oid, coalesce('TOAST of ' || o.kind || o.name, 'TOAST ' || t.name),
           coalesce('TOAST of ' || o.kind || o.name, 'TOAST ' || t.name), coalesce(o.shown, false)
    FROM named t LEFT JOIN named o ON o.reltoastrelid = t.oid WHERE t.relkind = 't'
), relations AS (
    SELECT oid, place, shown FROM tables
    UNION ALL
    SELECT n.oid, CASE WHEN starts_with(t.place, 'TOAST') THEN 'index of ' ELSE 'index ' || n.name || ' of ' END || t.short, false
    FROM named n JOIN pg_index i ON i.indexrelid = n.oid JOIN tables t ON t.oid = i.indrelid
)
SELECT pg_relation_filepath(oid), place, shown FROM relations WHERE pg_relation_filepath(oid) IS NOT NULL
