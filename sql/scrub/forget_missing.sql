-- What ADD COLUMN ... DEFAULT noted for the rows there were: every row of $1 now holds a value of its own.
UPDATE pg_attribute SET atthasmissing = false, attmissingval = NULL WHERE attrelid = $1 AND atthasmissing
