-- Foreign tables. One that the policy names ($1 text[], schema.table) becomes an empty table of the same OID, with
-- all that hangs on it: it trades kind, storage and its tie to the server with a new table, which is dropped.
WITH found AS (
    SELECT c.oid, c.relname, c.relnamespace, n.nspname, format('%s.%s', n.nspname, c.relname) AS name,
           format('%I.%I', n.nspname, c.relname) AS itself, format('%I."understudy twin"', n.nspname) AS twin
    FROM pg_class c
    JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind = 'f'
)
SELECT name,
       CASE WHEN name = ANY ($1) THEN 'made an empty local table' ELSE 'dropped, with what reads it' END,
       CASE WHEN name = ANY ($1) THEN ARRAY[concat_ws('; ',
            format('CREATE TABLE %s ()', twin),
            format('UPDATE pg_class c SET relkind = t.relkind, relam = t.relam, relfilenode = t.relfilenode,'
                   ' relfrozenxid = t.relfrozenxid, relminmxid = t.relminmxid'
                   ' FROM pg_class t WHERE (c.oid, t.oid) IN ((%1$s, %2$L::regclass), (%2$L::regclass, %1$s))',
                   oid, twin),
            format('UPDATE pg_foreign_table SET ftrelid = %L::regclass WHERE ftrelid = %s', twin, oid),
            format('UPDATE pg_depend SET objid = %L::regclass WHERE classid = ''pg_class''::regclass'
                   ' AND objid = %s AND refclassid = ''pg_foreign_server''::regclass', twin, oid),
            format('UPDATE pg_attribute SET attfdwoptions = NULL WHERE attrelid = %s', oid),
            format('DROP FOREIGN TABLE %s', twin),
            -- Also gives it a TOAST table, where its columns want one.
            format('ALTER TABLE %s REPLICA IDENTITY DEFAULT', itself))]
       ELSE ARRAY[format('DROP FOREIGN TABLE IF EXISTS %s CASCADE', itself)] END, NULL
FROM found ORDER BY 1
