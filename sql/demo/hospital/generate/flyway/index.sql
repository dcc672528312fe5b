CREATE INDEX flyway_schema_history_s_idx ON public.flyway_schema_history (success)
