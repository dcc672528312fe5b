-- A server's databases: what their comment says they are, and whom, beside their owner, somebody has let in.
SELECT d.datname, shobj_description(d.oid, 'pg_database'),
       (SELECT min(r.rolname) FROM aclexplode(d.datacl) a JOIN pg_roles r ON r.oid = a.grantee
        WHERE a.privilege_type = 'CONNECT' AND a.grantee <> d.datdba)
FROM pg_database d
