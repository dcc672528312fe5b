SELECT label, database, run_id, state, clone, created, changed
FROM understudy.generations WHERE label = %(label)s
