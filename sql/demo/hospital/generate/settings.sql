-- What the generated rows depend on besides the seed, for this transaction only: how timestamps look in JSON, who
-- the audit trail names, and that scans start at the first page (identity values are given in scan order).
SELECT set_config('TimeZone', 'UTC', true),
       set_config('DateStyle', 'ISO, YMD', true),
       set_config('hospital.actor', 'registration', true),
       set_config('synchronize_seqscans', 'off', true)
