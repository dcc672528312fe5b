-- The same for CREATE STATISTICS objects.
DELETE FROM pg_statistic_ext_data
