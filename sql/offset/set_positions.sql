-- The next value of each sequence: schemas $1, names $2, values $3.
SELECT setval((quote_ident(schema) || '.' || quote_ident(name))::regclass, next, false)
FROM unnest($1::text[], $2::text[], $3::bigint[]) AS moved (schema, name, next)
