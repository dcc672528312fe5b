INSERT INTO understudy.windows (generation, sequence_schema, sequence_name, production, first, last, day, at)
SELECT %(generation)s, schema, name, production, first, last, %(day)s, %(now)s
FROM unnest(%(schemas)s::text[], %(names)s::text[], %(productions)s::bigint[], %(firsts)s::bigint[], %(lasts)s::bigint[])
     AS handed (schema, name, production, first, last)
