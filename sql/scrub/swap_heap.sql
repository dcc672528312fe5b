-- Gives two tables ($1, $2) each other's storage: what VACUUM FULL does between a table and its new heap.
-- Only the pointers move, so everything that hangs on the table by its OID (views, keys, policies, grants) stays.
WITH twin AS (
    SELECT oid, relfilenode, reltoastrelid, relpages, reltuples, relallvisible, relfrozenxid, relminmxid
    FROM pg_class WHERE oid IN ($1, $2)
)
UPDATE pg_class c
SET relfilenode = twin.relfilenode, reltoastrelid = twin.reltoastrelid, relpages = twin.relpages,
    reltuples = twin.reltuples, relallvisible = twin.relallvisible, relfrozenxid = twin.relfrozenxid,
    relminmxid = twin.relminmxid
FROM twin
WHERE c.oid IN ($1, $2) AND twin.oid <> c.oid
