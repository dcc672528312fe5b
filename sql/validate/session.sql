-- Both sides print equal values as equal text, whatever their databases and roles set.
SELECT set_config('DateStyle', 'ISO, YMD', false), set_config('IntervalStyle', 'postgres', false),
       set_config('TimeZone', 'UTC', false), set_config('bytea_output', 'hex', false),
       set_config('extra_float_digits', '1', false), set_config('lc_monetary', 'C', false),
       set_config('row_security', 'off', false), set_config('statement_timeout', '0', false),
       set_config('jit', 'off', false), set_config('work_mem', '256MB', false),
       set_config('temp_buffers', '128MB', false)
