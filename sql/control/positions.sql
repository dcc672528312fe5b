SELECT w.sequence_schema AS schema, w.sequence_name AS name, w.at, w.production
FROM understudy.windows w JOIN understudy.generations g ON g.label = w.generation
WHERE g.database = %(database)s ORDER BY w.at, w.generation
