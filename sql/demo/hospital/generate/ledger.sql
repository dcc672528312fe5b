-- One to three postings for each claim. $1 seed.
INSERT INTO billing.ledger (claim_id, posted_on, debit_account, credit_account, amount, memo)
SELECT claim.id,
       date '2023-02-01' + dice.roll($1, 'posted', n, 760),
       '1' || (199 + dice.roll($1, 'debit account', n, 800)),
       '4' || (199 + dice.roll($1, 'credit account', n, 800)),
       round(claim.amount * dice.roll($1, 'share', n, 100) / 100, 2),
       CASE
           WHEN dice.chance($1, 'no memo', n, 10) THEN NULL
           WHEN dice.chance($1, 'empty memo', n, 5) THEN ''
           ELSE ('{Copay,Remittance,Adjustment,"Patient balance"}'::text[])[dice.roll($1, 'memo', n, 4)]
               || ' ' || patient.last_name || ', ' || patient.first_name
       END
FROM billing.claims AS claim
JOIN clinical.patients AS patient ON patient.id = claim.patient_id
CROSS JOIN LATERAL generate_series(1, dice.roll($1, 'postings', claim.id, 3)) AS k
CROSS JOIN LATERAL (SELECT claim.id * 4 + k AS n) AS numbered
ORDER BY claim.id, k
