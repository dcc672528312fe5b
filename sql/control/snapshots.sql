SELECT snapshot AS value FROM understudy.snapshots WHERE database = %(database)s ORDER BY saved DESC, label DESC
