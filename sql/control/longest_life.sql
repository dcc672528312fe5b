-- For how long a generation has been used at most, from its snapshot on; those that are kept are used until now.
SELECT coalesce(max(CASE WHEN state IN ('live', 'retired') THEN %(now)s ELSE changed END - created), '0') AS value
FROM understudy.generations AS g
WHERE database = %(database)s AND EXISTS (SELECT FROM understudy.switches AS s WHERE s.generation = g.label)
