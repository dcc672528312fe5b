-- Tables by which schedulers know what to run, wherever they are: pg_cron, pgAgent, pg_partman, TimescaleDB. The
-- last column tells whether there is something to stop; what the old versions of rows held is written away.
WITH known(name, active, change) AS (
    VALUES ('cron.job', 'active', 'active = false'),
           ('pgagent.pga_job', 'jobenabled', 'jobenabled = false'),
           ('pgagent.pga_jobstep', $$jstconnstr <> ''$$, $$jstconnstr = '', jstdbname = current_database()$$),
           ('partman.part_config', $$automatic_maintenance <> 'off'$$, $$automatic_maintenance = 'off'$$),
           ('partman.part_config_sub', $$sub_automatic_maintenance <> 'off'$$, $$sub_automatic_maintenance = 'off'$$),
           ('_timescaledb_config.bgw_job', 'scheduled', 'scheduled = false')
)
SELECT name, 'stopped',
       ARRAY[format('UPDATE %s SET %s WHERE %s', name, change, active), format('VACUUM FULL %s', name)],
       format('SELECT EXISTS (SELECT FROM %s WHERE %s)', name, active)
FROM known WHERE to_regclass(name) IS NOT NULL
UNION ALL
-- What past runs said; no policy speaks of tables that belong to an extension.
SELECT name, 'emptied', ARRAY[format('TRUNCATE %s', name)], format('SELECT EXISTS (SELECT FROM %s)', name)
FROM (VALUES ('cron.job_run_details'), ('pgagent.pga_jobsteplog')) AS logs(name)
WHERE EXISTS (SELECT FROM pg_depend
              WHERE classid = 'pg_class'::regclass AND objid = to_regclass(name) AND deptype = 'e')
ORDER BY 1
