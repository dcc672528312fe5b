-- One in fifty of the patients got a new telephone number, which leaves old and new rows in the audit
-- trail, as life does. $1 seed.
UPDATE clinical.patients
SET phone = dice.phone($1, 'new phone', id),
    updated_at = created_at + interval '90 days'
WHERE NOT is_test
  AND dice.chance($1, 'new phone', id, 2)
