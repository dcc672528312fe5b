UPDATE understudy.stages SET status = 'finished', finished = %(now)s, result = %(result)s, error = NULL
WHERE run_id = %(run_id)s AND stage = %(stage)s
