SELECT label, database, run_id, state, clone, created, changed
FROM understudy.generations WHERE run_id = %(run_id)s ORDER BY created DESC LIMIT 1
