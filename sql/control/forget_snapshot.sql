DELETE FROM understudy.snapshots WHERE label = %(label)s
