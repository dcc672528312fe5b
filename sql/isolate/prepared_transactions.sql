-- Two-phase transactions that were waiting in production; they hold locks that other cuts would wait for.
SELECT gid, 'rolled back', ARRAY[format('ROLLBACK PREPARED %L', gid)], NULL
FROM pg_prepared_xacts WHERE database = current_database() ORDER BY 1
