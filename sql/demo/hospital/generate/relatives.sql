-- None to two relatives of each patient. $1 seed, $2 first names, $3 last names, $4 employers, $5 mail domains.
INSERT INTO clinical.relatives (patient_id, name, relation, phone, email, employer, is_emergency_contact)
SELECT patient.id,
       words.first_names[dice.roll($1, 'relative first name', n, cardinality(words.first_names))] || ' '
           || CASE WHEN dice.chance($1, 'relative shares name', n, 60) THEN patient.last_name
                   ELSE words.last_names[dice.roll($1, 'relative last name', n, cardinality(words.last_names))]
              END,
       ('{spouse,parent,child,sibling,friend}'::text[])[dice.roll($1, 'relation', n, 5)],
       CASE
           WHEN dice.chance($1, 'relative without phone', n, 10) THEN NULL
           WHEN dice.chance($1, 'relative with empty phone', n, 3) THEN ''
           ELSE dice.phone($1, 'relative phone', n)
       END,
       CASE WHEN NOT dice.chance($1, 'relative without email', n, 10)
           THEN 'family' || n || '@' || words.domains[dice.roll($1, 'relative domain', n, cardinality(words.domains))]
       END,
       CASE WHEN NOT dice.chance($1, 'relative without work', n, 10)
           THEN words.employers[dice.roll($1, 'employer', n, cardinality(words.employers))]
       END,
       k = 1
FROM clinical.patients AS patient
CROSS JOIN LATERAL generate_series(1, dice.roll($1, 'relatives', patient.id, 3) - 1) AS k
CROSS JOIN LATERAL (SELECT patient.id * 4 + k AS n) AS numbered
CROSS JOIN (
    SELECT $2::name[] AS first_names, $3::name[] AS last_names, $4::name[] AS employers, $5::name[] AS domains
) AS words
WHERE NOT patient.is_test
