-- Patients who came since the last run: up to $1, with names that others here have.
INSERT INTO clinical.patients (mrn, ssn, first_name, last_name, birth_date, sex, email, phone, street, city, state, zip)
SELECT
    'MRN-' || lpad((1000 + number % 99998000)::text, 8, '0'),
    lpad((1 + number % 665)::text, 3, '0') || '-' || lpad((1 + number % 99)::text, 2, '0') || '-'
        || lpad((1 + number % 9999)::text, 4, '0'),
    given.first_name,
    family.last_name,
    given.birth_date + (number % 300)::integer,
    given.sex,
    'patient' || number || '@lakeviewmail.com',
    '2' || lpad((number % 100)::text, 2, '0') || '-9' || lpad((number % 97)::text, 2, '0') || '-'
        || lpad((number % 10000)::text, 4, '0'),
    family.street,
    family.city,
    family.state,
    family.zip
FROM (
    SELECT row_number() OVER (ORDER BY random()) AS place, first_name, sex, birth_date
    FROM (SELECT * FROM clinical.patients WHERE NOT is_test ORDER BY id LIMIT 500) AS known
) AS given
JOIN (
    SELECT row_number() OVER (ORDER BY random()) AS place, last_name, street, city, state, zip,
           (random() * 1000000000)::bigint AS number
    FROM (SELECT * FROM clinical.patients WHERE NOT is_test ORDER BY id LIMIT 500) AS known
) AS family USING (place)
WHERE place <= $1
ON CONFLICT DO NOTHING
