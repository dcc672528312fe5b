-- Only superusers may read the table of all large objects as such.
SELECT has_table_privilege('pg_largeobject', 'SELECT')
