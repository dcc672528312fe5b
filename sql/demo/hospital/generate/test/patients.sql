-- The five people that acceptance tests know by heart. Nobody's: every value is from a range reserved for such use.
INSERT INTO clinical.patients (
    mrn, ssn, first_name, middle_name, last_name, birth_date, sex, email, phone, fax, street, city, state, zip,
    latitude, longitude, drivers_license, license_plate, photo, fingerprint, homepage, languages, contact_phones,
    preferences, is_test, created_at, updated_at
)
SELECT
    'MRN-0000000' || n,
    '666-10-000' || n,
    'Test',
    CASE n WHEN 3 THEN NULL ELSE 'Only' END,
    ('{Alpha,Bravo,Charlie,Delta,Echo}'::text[])[n],
    date '1980-01-01' + 1000 * n,
    (CASE n % 2 WHEN 0 THEN 'female' ELSE 'male' END)::clinical.sex,
    'test.patient' || n || '@example.com',
    '202-555-010' || n,
    CASE n WHEN 4 THEN NULL ELSE '202-555-011' || n END,
    n || ' Test Street',
    'Testville',
    'DC',
    '2000' || n,
    38.900000,
    -77.000000,
    'TEST-DL-' || n,
    'TEST ' || n,
    '\xffd8ffe000104a464946'::bytea,
    '\x00'::bytea,
    'https://www.example.com/test/' || n,
    '{en}',
    ARRAY['202-555-010' || n, '202-555-012' || n],
    jsonb_build_object(
        'contact', jsonb_build_object(
            'email', 'test.patient' || n || '@example.com', 'phone', '202-555-010' || n, 'window', 'any'),
        'notifications', true,
        'tags', jsonb_build_array('test'),
        'kin', jsonb_build_object('name', 'Test Relative', 'relation', 'friend')),
    true,
    timestamptz '2015-01-01 00:00+00',
    timestamptz '2015-01-01 00:00+00'
FROM generate_series(1, 5) AS n
