-- The statements that take each foreign key away and put it back. Between the two, tables fill without a look-up per
-- row; putting a key back checks all rows with one join.
SELECT format('ALTER TABLE %s DROP CONSTRAINT %I', conrelid::regclass, conname) AS take_away,
       format('ALTER TABLE %s ADD CONSTRAINT %I %s', conrelid::regclass, conname, pg_get_constraintdef(oid)) AS put_back
FROM pg_constraint
WHERE contype = 'f'
  AND conparentid = 0
ORDER BY conrelid::regclass::text, conname
