-- public.visits (id, first, last, born, ward, badge, tags, note): treated
-- $1: pool:last_name:63
-- $2: opad:free_text
-- $3: ipad:free_text
-- $4: opad:last_name
-- $5: ipad:last_name
-- $6: opad:badge
-- $7: ipad:badge
SELECT
  t."id",
  CASE
    WHEN t."first" IS NULL OR t."first" = ''
    THEN t."first"
    ELSE CAST((
      pg_catalog.upper(pg_catalog.left(t."first", 1)) || '.'
    ) AS TEXT)
  END,
  CASE
    WHEN t."last" IS NULL OR t."last" = ''
    THEN t."last"
    ELSE COALESCE(
      NULLIF(
        CAST((
          (
            CAST($1 AS NAME[])
          )[1 + (
            (
              get_byte(t.understudy_779fd4c748d2, 3) * 256 + get_byte(t.understudy_779fd4c748d2, 4)
            ) + 0
          ) % cardinality(CAST($1 AS NAME[]))]
        ) AS TEXT),
        t."last"
      ),
      CAST((
        (
          CAST($1 AS NAME[])
        )[1 + (
          (
            get_byte(t.understudy_779fd4c748d2, 3) * 256 + get_byte(t.understudy_779fd4c748d2, 4)
          ) + 1
        ) % cardinality(CAST($1 AS NAME[]))]
      ) AS TEXT)
    )
  END,
  CASE
    WHEN t."born" IS NULL
    THEN t."born"
    ELSE CAST((
      pg_catalog.make_date(CAST(pg_catalog.date_part('year', t."born") AS INT), 7, 1)
    ) AS DATE)
  END,
  t."ward",
  CASE
    WHEN t."badge" IS NULL OR t."badge" = ''
    THEN t."badge"
    ELSE CAST((
      pg_catalog.concat(
        pg_catalog.upper(pg_catalog.left(t."ward", 1)),
        '-',
        pg_catalog.int4(
          (
            CAST((
              get_byte(t.understudy_408aa4802119, 0) * 65536 + get_byte(t.understudy_408aa4802119, 1) * 256 + get_byte(t.understudy_408aa4802119, 2)
            ) AS BIGINT) * 16777216 + (
              get_byte(t.understudy_408aa4802119, 3) * 65536 + get_byte(t.understudy_408aa4802119, 4) * 256 + get_byte(t.understudy_408aa4802119, 5)
            )
          ) % 9999999
        )
      )
    ) AS TEXT)
  END,
  CASE
    WHEN t."tags" IS NULL
    THEN t."tags"
    ELSE (
      SELECT
        CASE
          WHEN array_ndims(t."tags") > 1 OR array_lower(t."tags", 1) <> 1
          THEN CAST(CONCAT(
            array_dims(t."tags"),
            '=',
            (
              WITH RECURSIVE inside(level, size) AS (
                SELECT
                  array_ndims(t."tags"),
                  1
                UNION ALL
                SELECT
                  level - 1,
                  size * ARRAY_LENGTH(t."tags", level)
                FROM inside
                WHERE
                  level > 0
              )
              SELECT
                STRING_AGG(
                  
                    CONCAT(
                      REPEAT(
                        '{',
                        (
                          SELECT
                            CAST(COUNT(*) AS INT)
                          FROM inside
                          WHERE
                            level < array_ndims(t."tags") AND (
                              n - 1
                            ) % size = 0
                        )
                      ),
                      COALESCE('"' || REPLACE(REPLACE(CAST(e AS TEXT), '\', '\\'), '"', '\"') || '"', 'NULL'),
                      REPEAT(
                        '}',
                        (
                          SELECT
                            CAST(COUNT(*) AS INT)
                          FROM inside
                          WHERE
                            level < array_ndims(t."tags") AND n % size = 0
                        )
                      )
                    ),
                    ','
                  
                  ORDER BY
                    n
                )
              FROM (
                SELECT
                  UNNEST(a.flat) AS e,
                  GENERATE_SERIES(1, cardinality(a.flat)) AS n
              ) AS s
            )
          ) AS TEXT[])
          ELSE a.flat
        END
      FROM (
        SELECT
          CAST(ARRAY(SELECT
            CASE
              WHEN u."e" IS NULL OR u."e" = ''
              THEN u."e"
              ELSE (
                SELECT
                  CAST((
                    (
                      ARRAY['red', 'blue']
                    )[1 + pg_catalog.int4(
                      (
                        CAST((
                          get_byte(k.h, 0) * 65536 + get_byte(k.h, 1) * 256 + get_byte(k.h, 2)
                        ) AS BIGINT) * 16777216 + (
                          get_byte(k.h, 3) * 65536 + get_byte(k.h, 4) * 256 + get_byte(k.h, 5)
                        )
                      ) % 2
                    )]
                  ) AS TEXT)
                FROM (
                  SELECT
                    SHA256(CAST($2 AS BYTEA) || SHA256(CAST($3 AS BYTEA) || convert_to(u."e", 'UTF8'))) AS h
                  OFFSET 0
                ) AS k
              )
            END
          FROM (
            SELECT
              UNNEST(t."tags") AS e
          ) AS u) AS TEXT[]) AS flat
        OFFSET 0
      ) AS a
    )
  END,
  CASE
    WHEN t."note" IS NULL OR t."note" = ''
    THEN t."note"
    ELSE REGEXP_REPLACE(
      REGEXP_REPLACE(
        REGEXP_REPLACE(
          REGEXP_REPLACE(
            REGEXP_REPLACE(
              t."note",
              CASE
                WHEN t."note" ~ '@'
                THEN '[^\s@<>()\",;:]+@[^\s@<>()\",;:]+[.][[:alpha:]]{2,}'
                ELSE 'a^'
              END,
              '[EMAIL]',
              'gi'
            ),
            CASE
              WHEN REGEXP_REPLACE(t."note", '[^0-9]+', '', 'g') LIKE ANY(
                t.understudy_360e5e8275f7
              )
              THEN COALESCE(
                '(?<![[:alnum:]])(?:' || t.understudy_a3b002748e81 || ')(?:(?![[:alnum:]])|(?=T[0-9]))',
                'a^'
              )
              ELSE 'a^'
            END,
            '[ID]',
            'gi'
          ),
          CASE
            WHEN REGEXP_REPLACE(t."note", '[^0-9]+', '', 'g') LIKE ANY(
              t.understudy_7132b7f39ce3
            )
            THEN COALESCE(
              '(?<![[:alnum:]])(?:' || t.understudy_2014316e2532 || ')(?:(?![[:alnum:]])|(?=T[0-9]))',
              'a^'
            )
            ELSE 'a^'
          END,
          '[DATE]',
          'gi'
        ),
        CASE
          WHEN LOWER(t."note") LIKE ANY(
            STRING_TO_ARRAY(CONCAT('%', REPLACE(LOWER(t.understudy_41e77e85ea2c), '|', '%|%'), '%'), '|')
          )
          THEN COALESCE(
            '(?<![[:alnum:]])(?:[[:alpha:]][''’])?(?:' || t.understudy_41e77e85ea2c || ')(?:[\s,.''\u2019-]+(?:[[:alpha:]][.''\u2019\s]+)?(?:' || t.understudy_41e77e85ea2c || '))*(?![[:alnum:]])',
            'a^'
          )
          ELSE 'a^'
        END,
        '[NAME]',
        'gi'
      ),
      CASE
        WHEN t."note" ~ '[0-9]'
        THEN '(?<![[:alnum:]])[+]?(?:[0-9]{1,3}[-. ]?)?(?:[(][0-9]{2,5}[)] ?|[0-9]{3}[-. ])[0-9]{3,4}[-. ]?[0-9]{3,4}(?: ?(?:x|ext[.]?) ?[0-9]{1,6})?(?![[:alnum:]])|(?<![[:alnum:]-])[0-9]{3}[-.][0-9]{4}(?![[:alnum:]-])'
        ELSE 'a^'
      END,
      '[PHONE]',
      'gi'
    )
  END
FROM (
  SELECT
    t.*,
    SHA256(CAST($4 AS BYTEA) || SHA256(CAST($5 AS BYTEA) || convert_to(t."last", 'UTF8'))) AS understudy_779fd4c748d2,
    SHA256(
      CAST($6 AS BYTEA) || SHA256(CAST($7 AS BYTEA) || convert_to(CAST(t."badge" AS TEXT), 'UTF8'))
    ) AS understudy_408aa4802119,
    NULLIF(
      CONCAT_WS(
        '|',
        CASE
          WHEN (
            to_jsonb(t."first") #>> '{}'
          ) ~ '[0-9]'
          AND NOT (
            to_jsonb(t."first") #>> '{}'
          ) ~ '^[0-9]{4}-(0[1-9]|1[0-2])-[0-9]{2}'
          THEN NULLIF(
            CONCAT_WS(
              '|',
              REGEXP_REPLACE(
                SUBSTRING(REGEXP_REPLACE(LEFT((
                  to_jsonb(t."first") #>> '{}'
                ), 200), '[^[:alnum:]]', '', 'g') FROM '^.{4,}'),
                '(.)(?=.)',
                '\1[-. ()/#]{0,2}',
                'g'
              ),
              REGEXP_REPLACE(
                SUBSTRING(REGEXP_REPLACE(LEFT((
                  to_jsonb(t."first") #>> '{}'
                ), 200), '[^0-9]', '', 'g') FROM '^.{5,}'),
                '(.)(?=.)',
                '\1[-. ()/#]{0,2}',
                'g'
              )
            ),
            ''
          )
        END,
        CASE
          WHEN (
            to_jsonb(t."last") #>> '{}'
          ) ~ '[0-9]'
          AND NOT (
            to_jsonb(t."last") #>> '{}'
          ) ~ '^[0-9]{4}-(0[1-9]|1[0-2])-[0-9]{2}'
          THEN NULLIF(
            CONCAT_WS(
              '|',
              REGEXP_REPLACE(
                SUBSTRING(REGEXP_REPLACE(LEFT((
                  to_jsonb(t."last") #>> '{}'
                ), 200), '[^[:alnum:]]', '', 'g') FROM '^.{4,}'),
                '(.)(?=.)',
                '\1[-. ()/#]{0,2}',
                'g'
              ),
              REGEXP_REPLACE(
                SUBSTRING(REGEXP_REPLACE(LEFT((
                  to_jsonb(t."last") #>> '{}'
                ), 200), '[^0-9]', '', 'g') FROM '^.{5,}'),
                '(.)(?=.)',
                '\1[-. ()/#]{0,2}',
                'g'
              )
            ),
            ''
          )
        END,
        CASE
          WHEN (
            to_jsonb(t."born") #>> '{}'
          ) ~ '[0-9]'
          AND NOT (
            to_jsonb(t."born") #>> '{}'
          ) ~ '^[0-9]{4}-(0[1-9]|1[0-2])-[0-9]{2}'
          THEN NULLIF(
            CONCAT_WS(
              '|',
              REGEXP_REPLACE(
                SUBSTRING(REGEXP_REPLACE(LEFT((
                  to_jsonb(t."born") #>> '{}'
                ), 200), '[^[:alnum:]]', '', 'g') FROM '^.{4,}'),
                '(.)(?=.)',
                '\1[-. ()/#]{0,2}',
                'g'
              ),
              REGEXP_REPLACE(
                SUBSTRING(REGEXP_REPLACE(LEFT((
                  to_jsonb(t."born") #>> '{}'
                ), 200), '[^0-9]', '', 'g') FROM '^.{5,}'),
                '(.)(?=.)',
                '\1[-. ()/#]{0,2}',
                'g'
              )
            ),
            ''
          )
        END
      ),
      ''
    ) AS understudy_a3b002748e81,
    ARRAY[
      CASE
        WHEN (
          to_jsonb(t."first") #>> '{}'
        ) ~ '[0-9]'
        AND NOT (
          to_jsonb(t."first") #>> '{}'
        ) ~ '^[0-9]{4}-(0[1-9]|1[0-2])-[0-9]{2}'
        THEN CONCAT(
          '%',
          REGEXP_REPLACE(LEFT((
            to_jsonb(t."first") #>> '{}'
          ), 200), '[^0-9]+', '', 'g'),
          '%'
        )
      END,
      CASE
        WHEN (
          to_jsonb(t."last") #>> '{}'
        ) ~ '[0-9]'
        AND NOT (
          to_jsonb(t."last") #>> '{}'
        ) ~ '^[0-9]{4}-(0[1-9]|1[0-2])-[0-9]{2}'
        THEN CONCAT(
          '%',
          REGEXP_REPLACE(LEFT((
            to_jsonb(t."last") #>> '{}'
          ), 200), '[^0-9]+', '', 'g'),
          '%'
        )
      END,
      CASE
        WHEN (
          to_jsonb(t."born") #>> '{}'
        ) ~ '[0-9]'
        AND NOT (
          to_jsonb(t."born") #>> '{}'
        ) ~ '^[0-9]{4}-(0[1-9]|1[0-2])-[0-9]{2}'
        THEN CONCAT(
          '%',
          REGEXP_REPLACE(LEFT((
            to_jsonb(t."born") #>> '{}'
          ), 200), '[^0-9]+', '', 'g'),
          '%'
        )
      END
    ] AS understudy_360e5e8275f7,
    NULLIF(
      CONCAT_WS(
        '|',
        CASE
          WHEN (
            to_jsonb(t."first") #>> '{}'
          ) ~ '^[0-9]{4}-(0[1-9]|1[0-2])-[0-9]{2}'
          THEN REPLACE(
            REGEXP_REPLACE(
              (
                to_jsonb(t."first") #>> '{}'
              ),
              '^([0-9]{2})([0-9]{2})-0?([0-9]+)-0?([0-9]+).*$',
              '\1\2[-/. ]?0?\3[-/. ]?0?\4|0?\3[-/. ]0?\4[-/. ](?:\1)?\2|0?\4[-/. ]0?\3[-/. ](?:\1)?\2|<\3>[. ]+0?\4(?:st|nd|rd|th)?(?:,? +(?:\1)?\2)?|0?\4(?:st|nd|rd|th)?(?: of)? +<\3>(?:[.,]* +(?:\1)?\2)?'
            ),
            CONCAT('<', CAST(SUBSTRING((
              to_jsonb(t."first") #>> '{}'
            ) FROM 6 FOR 2) AS INT), '>'),
            SPLIT_PART(
              'Jan(?:uary)?,Feb(?:ruary)?,Mar(?:ch)?,Apr(?:il)?,May,June?,July?,Aug(?:ust)?,Sept?(?:ember)?,Oct(?:ober)?,Nov(?:ember)?,Dec(?:ember)?',
              ',',
              CAST(SUBSTRING((
                to_jsonb(t."first") #>> '{}'
              ) FROM 6 FOR 2) AS INT)
            )
          )
        END,
        CASE
          WHEN (
            to_jsonb(t."last") #>> '{}'
          ) ~ '^[0-9]{4}-(0[1-9]|1[0-2])-[0-9]{2}'
          THEN REPLACE(
            REGEXP_REPLACE(
              (
                to_jsonb(t."last") #>> '{}'
              ),
              '^([0-9]{2})([0-9]{2})-0?([0-9]+)-0?([0-9]+).*$',
              '\1\2[-/. ]?0?\3[-/. ]?0?\4|0?\3[-/. ]0?\4[-/. ](?:\1)?\2|0?\4[-/. ]0?\3[-/. ](?:\1)?\2|<\3>[. ]+0?\4(?:st|nd|rd|th)?(?:,? +(?:\1)?\2)?|0?\4(?:st|nd|rd|th)?(?: of)? +<\3>(?:[.,]* +(?:\1)?\2)?'
            ),
            CONCAT('<', CAST(SUBSTRING((
              to_jsonb(t."last") #>> '{}'
            ) FROM 6 FOR 2) AS INT), '>'),
            SPLIT_PART(
              'Jan(?:uary)?,Feb(?:ruary)?,Mar(?:ch)?,Apr(?:il)?,May,June?,July?,Aug(?:ust)?,Sept?(?:ember)?,Oct(?:ober)?,Nov(?:ember)?,Dec(?:ember)?',
              ',',
              CAST(SUBSTRING((
                to_jsonb(t."last") #>> '{}'
              ) FROM 6 FOR 2) AS INT)
            )
          )
        END,
        CASE
          WHEN (
            to_jsonb(t."born") #>> '{}'
          ) ~ '^[0-9]{4}-(0[1-9]|1[0-2])-[0-9]{2}'
          THEN REPLACE(
            REGEXP_REPLACE(
              (
                to_jsonb(t."born") #>> '{}'
              ),
              '^([0-9]{2})([0-9]{2})-0?([0-9]+)-0?([0-9]+).*$',
              '\1\2[-/. ]?0?\3[-/. ]?0?\4|0?\3[-/. ]0?\4[-/. ](?:\1)?\2|0?\4[-/. ]0?\3[-/. ](?:\1)?\2|<\3>[. ]+0?\4(?:st|nd|rd|th)?(?:,? +(?:\1)?\2)?|0?\4(?:st|nd|rd|th)?(?: of)? +<\3>(?:[.,]* +(?:\1)?\2)?'
            ),
            CONCAT('<', CAST(SUBSTRING((
              to_jsonb(t."born") #>> '{}'
            ) FROM 6 FOR 2) AS INT), '>'),
            SPLIT_PART(
              'Jan(?:uary)?,Feb(?:ruary)?,Mar(?:ch)?,Apr(?:il)?,May,June?,July?,Aug(?:ust)?,Sept?(?:ember)?,Oct(?:ober)?,Nov(?:ember)?,Dec(?:ember)?',
              ',',
              CAST(SUBSTRING((
                to_jsonb(t."born") #>> '{}'
              ) FROM 6 FOR 2) AS INT)
            )
          )
        END
      ),
      ''
    ) AS understudy_2014316e2532,
    ARRAY[
      CASE
        WHEN (
          to_jsonb(t."first") #>> '{}'
        ) ~ '^[0-9]{4}-(0[1-9]|1[0-2])-[0-9]{2}'
        THEN CONCAT(
          '%',
          TRIM(LEADING '0' FROM SUBSTRING((
            to_jsonb(t."first") #>> '{}'
          ) FROM 9 FOR 2)),
          '%'
        )
      END,
      CASE
        WHEN (
          to_jsonb(t."last") #>> '{}'
        ) ~ '^[0-9]{4}-(0[1-9]|1[0-2])-[0-9]{2}'
        THEN CONCAT(
          '%',
          TRIM(LEADING '0' FROM SUBSTRING((
            to_jsonb(t."last") #>> '{}'
          ) FROM 9 FOR 2)),
          '%'
        )
      END,
      CASE
        WHEN (
          to_jsonb(t."born") #>> '{}'
        ) ~ '^[0-9]{4}-(0[1-9]|1[0-2])-[0-9]{2}'
        THEN CONCAT(
          '%',
          TRIM(LEADING '0' FROM SUBSTRING((
            to_jsonb(t."born") #>> '{}'
          ) FROM 9 FOR 2)),
          '%'
        )
      END
    ] AS understudy_7132b7f39ce3,
    NULLIF(
      TRIM('|' FROM REGEXP_REPLACE(
        CONCAT(
          ' ',
          CONCAT_WS(
            ' ',
            CASE
              WHEN NOT (
                to_jsonb(t."first") #>> '{}'
              ) ~ '[0-9]'
              THEN LEFT((
                to_jsonb(t."first") #>> '{}'
              ), 200)
            END,
            CASE
              WHEN NOT (
                to_jsonb(t."last") #>> '{}'
              ) ~ '[0-9]'
              THEN LEFT((
                to_jsonb(t."last") #>> '{}'
              ), 200)
            END,
            CASE
              WHEN NOT (
                to_jsonb(t."born") #>> '{}'
              ) ~ '[0-9]'
              THEN LEFT((
                to_jsonb(t."born") #>> '{}'
              ), 200)
            END
          ),
          ' '
        ),
        '[\s!-/:-@[-\x60{-~\u00a0\u2018\u2019]+(?:[^\s!-@[-\x60{-~\u00a0\u2018\u2019][\s!-/:-@[-\x60{-~\u00a0\u2018\u2019]+)*',
        '|',
        'g'
      )),
      ''
    ) AS understudy_41e77e85ea2c
  FROM ONLY "public"."visits" AS t
  OFFSET 0
) AS t;
