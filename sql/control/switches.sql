SELECT endpoint, generation, previous, by, at
FROM understudy.switches WHERE database = %(database)s ORDER BY id DESC
