SELECT content AS value FROM understudy.reports WHERE run_id = %(run_id)s
