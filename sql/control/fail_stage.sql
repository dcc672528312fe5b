UPDATE understudy.stages SET status = 'failed', finished = %(now)s, error = %(error)s, result = %(result)s
WHERE run_id = %(run_id)s AND stage = %(stage)s
