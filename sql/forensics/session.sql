-- Values print as they are searched for, and reading a clone leaves nothing in it.
SELECT set_config('bytea_output', 'hex', false), set_config('DateStyle', 'ISO, YMD', false),
       set_config('row_security', 'off', false), set_config('client_encoding', 'UTF8', false),
       set_config('default_transaction_read_only', 'on', false)
