-- Insurers. $1 seed, $2 company names.
INSERT INTO billing.payers (code, name, phone, website)
SELECT 'PAY-' || lpad(n::text, 3, '0'),
       company || ' Health Plan',
       dice.phone($1, 'payer phone', n),
       'https://www.' || regexp_replace(lower(company), '[^a-z]+', '', 'g') || '-health.net'
FROM unnest($2::text[]) WITH ORDINALITY AS payer (company, n)
