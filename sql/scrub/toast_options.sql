-- Storage options of a table's ($1) TOAST table.
SELECT t.reloptions FROM pg_class c JOIN pg_class t ON t.oid = c.reltoastrelid WHERE c.oid = $1
