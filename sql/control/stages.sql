SELECT stage, status, started, finished, result, error
FROM understudy.stages WHERE run_id = %(run_id)s ORDER BY started, stage
