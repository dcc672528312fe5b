-- After swap_heap: each TOAST table depends on the table it now belongs to, so that a drop takes the right one.
UPDATE pg_depend d
SET refobjid = owner.oid
FROM pg_class owner
WHERE owner.oid IN ($1, $2) AND owner.reltoastrelid = d.objid
  AND d.classid = 'pg_class'::regclass AND d.refclassid = 'pg_class'::regclass
  AND d.refobjid IN ($1, $2) AND d.deptype = 'i'
