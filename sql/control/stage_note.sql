SELECT note AS value FROM understudy.stages WHERE run_id = %(run_id)s AND stage = %(stage)s
