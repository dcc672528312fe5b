UPDATE understudy.stages SET note = %(note)s WHERE run_id = %(run_id)s AND stage = %(stage)s
