-- Patients number 6 to $2; the five test patients come before them. $1 seed, then words to draw from:
-- $3 women's, $4 men's and $5 last names; $6, $7 and $8 the same as they look in an e-mail address;
-- $9 streets, $10 cities with $11 state and $12 first ZIP digits, and $13 mail domains.
INSERT INTO clinical.patients (
    mrn, ssn, first_name, middle_name, last_name, birth_date, death_date, sex, email, phone, fax, street, city, state,
    zip, latitude, longitude, drivers_license, license_plate, photo, fingerprint, homepage, languages, contact_phones,
    preferences, created_at, updated_at
)
SELECT
    'MRN-' || lpad((100 + dice.scatter($1, 'mrn', n, 99999847))::text, 8, '0'),
    CASE WHEN NOT dice.chance($1, 'no ssn', n, 10)
        -- 898 areas (no 000, no 666), 99 groups and 9999 serials make the numbers that can be issued.
        THEN lpad((1 + ssn / 989901 + CASE WHEN ssn / 989901 >= 665 THEN 1 ELSE 0 END)::text, 3, '0') || '-'
            || lpad((1 + ssn / 9999 % 99)::text, 2, '0') || '-'
            || lpad((1 + ssn % 9999)::text, 4, '0')
    END,
    first_name,
    CASE
        WHEN dice.chance($1, 'no middle name', n, 10) THEN NULL
        WHEN dice.chance($1, 'empty middle name', n, 5) THEN ''
        WHEN is_woman THEN words.women[dice.roll($1, 'middle name', n, cardinality(words.women))]
        ELSE words.men[dice.roll($1, 'middle name', n, cardinality(words.men))]
    END,
    last_name,
    birth_date,
    CASE WHEN dice.chance($1, 'death', n, 4) THEN date '2025-01-01' + dice.roll($1, 'death date', n, 240) END,
    CASE dice.roll($1, 'sex', n, 50)
        WHEN 1 THEN 'other'
        WHEN 2 THEN 'unknown'
        ELSE CASE WHEN is_woman THEN 'female' ELSE 'male' END
    END::clinical.sex,
    email,
    phone,
    CASE
        WHEN dice.chance($1, 'no fax', n, 10) THEN NULL
        WHEN dice.chance($1, 'empty fax', n, 5) THEN ''
        ELSE dice.phone($1, 'fax', n)
    END,
    dice.roll($1, 'house', n, 9899) || ' ' || words.streets[dice.roll($1, 'street', n, cardinality(words.streets))],
    words.cities[place],
    words.states[place],
    words.zips[place] || lpad(dice.roll($1, 'zip', n, 99)::text, 2, '0')
        || CASE WHEN dice.chance($1, 'zip+4', n, 20) THEN '-' || (999 + dice.roll($1, 'zip4', n, 9000)) ELSE '' END,
    CASE WHEN is_located THEN 25 + dice.roll($1, 'latitude', n, 23999999) / 1000000.0 END,
    CASE WHEN is_located THEN -124 + dice.roll($1, 'longitude', n, 56999999) / 1000000.0 END,
    CASE WHEN NOT dice.chance($1, 'no license', n, 10)
        THEN chr(64 + dice.roll($1, 'license letter', n, 26)) || (9999999 + dice.roll($1, 'license', n, 90000000))
    END,
    CASE WHEN NOT dice.chance($1, 'no plate', n, 10)
        THEN chr(64 + dice.roll($1, 'plate 1', n, 26)) || chr(64 + dice.roll($1, 'plate 2', n, 26))
            || chr(64 + dice.roll($1, 'plate 3', n, 26)) || '-' || (999 + dice.roll($1, 'plate', n, 9000))
    END,
    CASE WHEN NOT dice.chance($1, 'no photo', n, 10)
        THEN '\xffd8ffe000104a464946'::bytea || sha256(int8send(hashint8extended(n, $1)))
    END,
    CASE WHEN NOT dice.chance($1, 'no fingerprint', n, 10) THEN sha256(int8send(hashint8extended(-n, $1))) END,
    CASE WHEN NOT dice.chance($1, 'no homepage', n, 10) THEN 'https://' || handle || '.mypersonalpages.net' END,
    CASE dice.roll($1, 'languages', n, 10)
        WHEN 1 THEN '{es}' WHEN 2 THEN '{en,es}' WHEN 3 THEN '{en,zh}' WHEN 4 THEN '{}' ELSE '{en}'
    END::text[],
    CASE dice.roll($1, 'contact phones', n, 10)
        WHEN 1 THEN NULL
        WHEN 2 THEN '{}'::text[]
        WHEN 3 THEN ARRAY[phone, dice.phone($1, 'second phone', n), dice.phone($1, 'third phone', n)]
        WHEN 4 THEN ARRAY[phone, dice.phone($1, 'second phone', n)]
        ELSE ARRAY[phone]
    END,
    CASE WHEN NOT dice.chance($1, 'no preferences', n, 10) THEN jsonb_build_object(
        'contact', jsonb_build_object(
            'email', email,
            'phone', phone,
            'window', ('{any,morning,evening}'::text[])[dice.roll($1, 'window', n, 3)]),
        'notifications', dice.chance($1, 'notifications', n, 70),
        'tags', to_jsonb(('{"{}","{vip}","{interpreter,wheelchair}"}'::text[])[dice.roll($1, 'tags', n, 3)]::text[]),
        'kin', jsonb_build_object(
            'name', words.men[dice.roll($1, 'kin', n, cardinality(words.men))] || ' ' || last_name,
            'relation', ('{spouse,parent,sibling}'::text[])[dice.roll($1, 'kin relation', n, 3)]))
    END,
    created_at,
    created_at
FROM generate_series(6, $2::bigint) AS n
CROSS JOIN (
    SELECT $3::name[] AS women, $4::name[] AS men, $5::name[] AS last_names,
           $6::name[] AS women_handles, $7::name[] AS men_handles, $8::name[] AS last_handles,
           $9::name[] AS streets, $10::name[] AS cities, $11::name[] AS states, $12::name[] AS zips,
           $13::name[] AS domains
) AS words
CROSS JOIN LATERAL (
    SELECT dice.chance($1, 'woman', n, 51) AS is_woman,
           dice.roll($1, 'first name', n, least(cardinality(words.women), cardinality(words.men))) AS first,
           dice.roll($1, 'last name', n, cardinality(words.last_names)) AS last,
           dice.roll($1, 'place', n, cardinality(words.cities)) AS place,
           dice.scatter($1, 'ssn', n, 888931063) AS ssn,
           NOT dice.chance($1, 'not located', n, 10) AS is_located,
           date '1934-01-01' + dice.roll($1, 'birth date', n, 29500) AS birth_date,
           timestamptz '2015-01-01 00:00+00' + dice.roll($1, 'created', n, 4200000) * interval '1 minute' AS created_at
) AS drawn
CROSS JOIN LATERAL (
    SELECT CASE WHEN is_woman THEN words.women[first] ELSE words.men[first] END::text AS first_name,
           words.last_names[last]::text AS last_name,
           CASE WHEN is_woman THEN words.women_handles[first] ELSE words.men_handles[first] END
               || '.' || words.last_handles[last] || n AS handle
) AS name
CROSS JOIN LATERAL (
    SELECT CASE WHEN NOT dice.chance($1, 'no email', n, 10)
               THEN handle || '@' || words.domains[dice.roll($1, 'mail domain', n, cardinality(words.domains))]
           END AS email,
           dice.phone($1, 'phone', n) AS phone
    OFFSET 0  -- computed once, used three times
) AS reach
