-- Two-phase transactions that were waiting in production.
SELECT gid FROM pg_prepared_xacts WHERE database = current_database() ORDER BY 1
