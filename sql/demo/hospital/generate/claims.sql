-- None to four claims for each patient. $1 seed.
-- Payer and member number come from the same dice as on the insurance card, and so agree with it.
INSERT INTO billing.claims (patient_id, payer_code, member_id, account_no, amount, status, submitted_on)
SELECT patient.id,
       'PAY-' || lpad(dice.roll($1, 'payer', patient.id, payers.count)::text, 3, '0'),
       'M' || (99999999 + dice.roll($1, 'member', patient.id, 900000000)),
       'AC' || lpad((dice.scatter($1, 'account', patient.id, 99999847))::text, 10, '0'),
       (dice.roll($1, 'amount', n, 90000) + 2000) * dice.roll($1, 'amount scale', n, 10) / 100.0,
       status,
       CASE WHEN status <> 'draft' THEN date '2023-01-15' + dice.roll($1, 'submitted', n, 730) END
FROM clinical.patients AS patient
CROSS JOIN LATERAL generate_series(1, dice.roll($1, 'claims', patient.id, 5) - 1) AS k
CROSS JOIN LATERAL (SELECT patient.id * 8 + k AS n) AS numbered
CROSS JOIN LATERAL (
    SELECT ('{draft,submitted,paid,paid,paid,denied}'::billing.claim_status[])
               [dice.roll($1, 'claim status', n, 6)] AS status
) AS drawn
CROSS JOIN (SELECT count(*)::integer AS count FROM billing.payers) AS payers
WHERE NOT patient.is_test
