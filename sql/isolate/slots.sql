-- Replication slots, logical and physical.
SELECT slot_name FROM pg_replication_slots ORDER BY 1
