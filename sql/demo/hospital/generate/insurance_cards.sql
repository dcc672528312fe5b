-- The insurance of nine in ten of the patients. $1 seed.
INSERT INTO billing.insurance_cards (patient_mrn, payer_code, member_id, group_no, valid_from)
SELECT mrn,
       'PAY-' || lpad(dice.roll($1, 'payer', id, payers.count)::text, 3, '0'),
       'M' || (99999999 + dice.roll($1, 'member', id, 900000000)),
       CASE WHEN NOT dice.chance($1, 'no group', id, 10) THEN 'G-' || (999 + dice.roll($1, 'group', id, 9000)) END,
       date '2022-01-01' + 30 * dice.roll($1, 'card', id, 24)
FROM clinical.patients
CROSS JOIN (SELECT count(*)::integer AS count FROM billing.payers) AS payers
WHERE NOT is_test
  AND dice.chance($1, 'insured', id, 90)
