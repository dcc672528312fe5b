UPDATE understudy.stages SET note = NULL WHERE run_id = %(run_id)s
