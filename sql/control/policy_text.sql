SELECT policy_text AS value FROM understudy.runs WHERE id = %(run_id)s
