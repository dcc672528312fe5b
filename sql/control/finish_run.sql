UPDATE understudy.runs SET status = %(status)s, finished = %(now)s, error = %(error)s
WHERE id = %(run_id)s AND status = 'running'
