-- Roles whose password of production would still work.
SELECT rolname, 'voided', ARRAY[format('ALTER ROLE %I PASSWORD NULL', rolname)], NULL
FROM pg_authid WHERE rolpassword IS NOT NULL ORDER BY 1
