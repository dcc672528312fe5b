-- Whether the role that copies production is there already.
SELECT 1 FROM pg_roles WHERE rolname = $1
