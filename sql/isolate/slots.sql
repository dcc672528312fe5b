-- Replication slots, logical and physical.
SELECT slot_name::text, 'dropped', ARRAY[format('SELECT pg_drop_replication_slot(%L)', slot_name)], NULL
FROM pg_replication_slots ORDER BY 1
