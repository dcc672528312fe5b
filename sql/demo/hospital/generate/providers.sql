-- Who sees patients. $1 seed, $2 how many, $3 first names, $4 last names, $5 and $6 the same as they look in an
-- e-mail address.
INSERT INTO clinical.providers
    (department_id, npi, first_name, last_name, credentials, email, phone, hired_on)
SELECT dice.roll($1, 'provider department', n, 8),
       1000000000 + dice.scatter($1, 'npi', n, 899999963),
       words.first_names[first_name],
       words.last_names[last_name],
       ('{MD,MD,MD,DO,NP,PA,RN,RN}'::text[])[dice.roll($1, 'provider credentials', n, 8)],
       words.first_handles[first_name] || '.' || words.last_handles[last_name] || n || '@stanselm-hospital.org',
       CASE WHEN NOT dice.chance($1, 'provider without phone', n, 10) THEN dice.phone($1, 'provider phone', n) END,
       date '2005-01-01' + dice.roll($1, 'provider hired', n, 6500)
FROM generate_series(1, $2::bigint) AS n
CROSS JOIN (
    SELECT $3::name[] AS first_names, $4::name[] AS last_names, $5::name[] AS first_handles, $6::name[] AS last_handles
) AS words
CROSS JOIN LATERAL (
    SELECT dice.roll($1, 'provider first name', n, cardinality(words.first_names)) AS first_name,
           dice.roll($1, 'provider last name', n, cardinality(words.last_names)) AS last_name
) AS drawn
