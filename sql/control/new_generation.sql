INSERT INTO understudy.generations AS made (label, database, day, number, run_id, state, created, changed)
SELECT %(database)s || '-' || to_char(%(day)s::date, 'YYYYMMDD') || '-' || lpad(next.number::text, greatest(3, length(next.number::text)), '0'),
       %(database)s, %(day)s, next.number, %(run_id)s, 'sealed', %(now)s, %(now)s
FROM (SELECT coalesce(max(number), 0) + 1 AS number
      FROM understudy.generations WHERE database = %(database)s AND day = %(day)s) AS next
RETURNING label, database, run_id, state, clone, created, changed
