-- What a snapshot provider has to know of the source, in one row.
SELECT current_setting('server_version_num')::int AS version,
       starts_with(current_setting('cluster_name'), 'understudy/') AS ours,
       (SELECT system_identifier::text FROM pg_control_system()) AS system_identifier,
       (SELECT rolname::text FROM pg_roles WHERE oid = 10) AS superuser,
       -- The size of a database may only be asked by those who may connect to it.
       (SELECT sum(pg_database_size(oid))::bigint
          FROM pg_database
         WHERE has_database_privilege(oid, 'CONNECT')
            OR pg_has_role('pg_read_all_stats', 'USAGE')) AS bytes,
       (SELECT coalesce(array_agg(extname::text ORDER BY extname), '{}') FROM pg_extension) AS extensions,
       (SELECT coalesce(array_agg(spcname::text ORDER BY spcname), '{}')
          FROM pg_tablespace
         WHERE spcname NOT IN ('pg_default', 'pg_global')) AS tablespaces,
       (SELECT rolreplication OR rolsuper FROM pg_roles WHERE rolname = current_user) AS may_replicate,
       current_setting('wal_level') <> 'minimal' AND current_setting('max_wal_senders')::int >= 2 AS replicates,
       coalesce(current_setting('summarize_wal', true), 'off') = 'on' AS summarizes,
       -- What decides how a session reads and writes values; all else of production's configuration stays there.
       (SELECT coalesce(array_agg(ARRAY[name, reset_val] ORDER BY name), '{}')
          FROM pg_settings
         WHERE name IN ('TimeZone', 'DateStyle', 'IntervalStyle', 'search_path', 'default_text_search_config',
                        'default_transaction_isolation', 'standard_conforming_strings', 'bytea_output')) AS session,
       clock_timestamp() AS asked_at
