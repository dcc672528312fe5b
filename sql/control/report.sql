SELECT run_id, record, page, digest FROM understudy.reports WHERE run_id = %(run_id)s
