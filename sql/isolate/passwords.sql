-- Roles whose password of production would still work.
SELECT rolname FROM pg_authid WHERE rolpassword IS NOT NULL ORDER BY 1
