-- Recent windows whatever became of their generation, and older ones whose generation may still be used.
SELECT w.sequence_schema AS schema, w.sequence_name AS name, w.production, w.first, w.last
FROM understudy.windows w JOIN understudy.generations g ON g.label = w.generation
WHERE g.database = %(database)s AND (w.day >= %(since)s OR g.state NOT IN ('destroyed', 'refused'))
ORDER BY w.at, w.generation
