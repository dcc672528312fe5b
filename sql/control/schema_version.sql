SELECT obj_description(to_regnamespace('understudy'), 'pg_namespace') AS value
