-- An index that was never valid, for instance because of duplicates, must not fail when it is made again ($1).
UPDATE pg_index i SET indisunique = false FROM pg_index AS was
WHERE i.indexrelid = to_regclass($1) AND was.indexrelid = i.indexrelid
RETURNING i.indexrelid, was.indisunique, was.indisready
