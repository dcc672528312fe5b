SELECT seed AS value FROM understudy.seeds WHERE database = %(database)s AND day = %(day)s
