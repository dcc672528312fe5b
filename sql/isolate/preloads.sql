-- Extensions whose library a server has to load at its start, which a clone does not.
SELECT extname, 'not preloaded: what it needs a running library for fails', '{}'::text[], NULL
FROM pg_extension
WHERE extname IN ('pg_stat_statements', 'pg_cron', 'pgaudit', 'pg_partman', 'timescaledb', 'citus', 'pglogical',
                  'pg_net', 'pg_wait_sampling', 'pg_stat_kcache', 'pg_squeeze', 'anon')
ORDER BY 1
