-- What a role ($1) is a member of, and the statement that ends it, whoever granted it.
SELECT r.rolname,
       concat_ws(' ', format('REVOKE %I FROM %I', r.rolname, m.rolname),
                 'GRANTED BY ' || quote_ident(g.rolname), 'CASCADE')
FROM pg_auth_members a
JOIN pg_roles r ON r.oid = a.roleid
JOIN pg_roles m ON m.oid = a.member
LEFT JOIN pg_roles g ON g.oid = a.grantor
WHERE m.rolname = $1 ORDER BY 1
