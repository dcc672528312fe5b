-- Triggers and event triggers do not fire: what they record would be the originals. Those that are ENABLE ALWAYS
-- keep quiet from version 17 on.
SELECT set_config('session_replication_role', 'replica', false),
       (SELECT set_config(name, 'off', false) FROM pg_settings WHERE name = 'event_triggers')
