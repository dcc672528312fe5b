-- Definitions print alike on both sides, every name in them with its schema; until the transaction ends.
SELECT set_config('search_path', '', true), set_config('DateStyle', 'ISO, YMD', true),
       set_config('IntervalStyle', 'postgres', true), set_config('TimeZone', 'UTC', true),
       set_config('extra_float_digits', '1', true)
