-- Ends the sessions of some databases ($1). Autovacuum, which is nobody's session, leaves by itself when somebody
-- waits; what kind of session one is, only few roles may see.
SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = ANY ($1) AND usesysid IS NOT NULL
