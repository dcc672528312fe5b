-- One migration that ran. $1 rank, $2 version, $3 description, $4 script, $5 checksum, $6 milliseconds.
INSERT INTO public.flyway_schema_history
    (installed_rank, version, description, type, script, checksum, installed_by, execution_time, success)
VALUES ($1, $2, $3, 'SQL', $4, $5, session_user, $6, true)
