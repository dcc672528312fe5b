-- An index ($1) is as it was before it was made again: not valid, and perhaps unique ($2) and kept up ($3).
UPDATE pg_index SET indisvalid = false, indisunique = $2, indisready = $3 WHERE indexrelid = $1
