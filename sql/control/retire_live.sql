UPDATE understudy.generations SET state = 'retired', changed = %(now)s
WHERE database = (SELECT database FROM understudy.generations WHERE label = %(label)s)
  AND state = 'live' AND label <> %(label)s
