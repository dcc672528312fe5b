UPDATE understudy.runs SET status = 'running', finished = NULL, error = NULL
WHERE id = %(run_id)s AND status = 'failed'
