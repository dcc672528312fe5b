SELECT label, database, run_id, state, clone, created, changed
FROM understudy.generations
WHERE database = %(database)s AND (%(states)s::text[] IS NULL OR state = ANY(%(states)s::text[]))
ORDER BY day DESC, number DESC
