SELECT sequence_schema AS schema, sequence_name AS name, production, first, last
FROM understudy.windows WHERE generation = %(generation)s
