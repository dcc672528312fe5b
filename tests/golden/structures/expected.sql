-- public.visit (id, contacts, log, home, mood, feeling, flags, spot, stay, words, hash): treated
-- $1: pool:first_name:31
-- $2: pool:last_name:31
-- $3: opad:full_name
-- $4: ipad:full_name
-- $5: pool:street_name:58
-- $6: opad:street
-- $7: ipad:street
-- $8: opad:name
-- $9: ipad:name
-- $10: password:argon2
-- $11: opad:sensitive_attribute
-- $12: ipad:sensitive_attribute
SELECT
  t."id",
  CASE
    WHEN t."contacts" IS NULL
    THEN t."contacts"
    ELSE CASE
      WHEN jsonb_typeof(t."contacts") = 'object'
      THEN (
        (
          CAST('{}' AS JSONB) || CASE
            WHEN (
              t."contacts" #> CAST(ARRAY['people'] AS TEXT[])
            ) IS NULL
            THEN CAST('{}' AS JSONB)
            ELSE jsonb_build_object(
              'people',
              CASE
                WHEN jsonb_typeof((
                  t."contacts" #> CAST(ARRAY['people'] AS TEXT[])
                )) = 'array'
                THEN (
                  SELECT
                    COALESCE(
                      jsonb_agg(
                        CASE
                          WHEN jsonb_typeof(e1.d) = 'object'
                          THEN (
                            (
                              CAST('{}' AS JSONB) || CASE
                                WHEN (
                                  e1.d #> CAST(ARRAY['name'] AS TEXT[])
                                ) IS NULL
                                THEN CAST('{}' AS JSONB)
                                ELSE jsonb_build_object(
                                  'name',
                                  CASE
                                    WHEN jsonb_typeof((
                                      e1.d #> CAST(ARRAY['name'] AS TEXT[])
                                    )) IN ('string', 'number')
                                    THEN (
                                      SELECT
                                        CASE
                                          WHEN jsonb_typeof((
                                            e1.d #> CAST(ARRAY['name'] AS TEXT[])
                                          )) = 'number'
                                          AND n.t ~ '^-?[0-9]+([.][0-9]+)?$'
                                          THEN to_jsonb(CAST(n.t AS DECIMAL))
                                          ELSE to_jsonb(n.t)
                                        END
                                      FROM (
                                        SELECT
                                          CAST(CASE
                                            WHEN (
                                              e1.d #>> CAST(ARRAY['name'] AS TEXT[])
                                            ) IS NULL
                                            OR (
                                              e1.d #>> CAST(ARRAY['name'] AS TEXT[])
                                            ) = ''
                                            THEN (
                                              e1.d #>> CAST(ARRAY['name'] AS TEXT[])
                                            )
                                            ELSE (
                                              SELECT
                                                COALESCE(
                                                  NULLIF(
                                                    CONCAT(
                                                      CAST((
                                                        (
                                                          CAST($1 AS NAME[])
                                                        )[1 + (
                                                          (
                                                            get_byte(k.h, 0) * 256 + get_byte(k.h, 1)
                                                          ) + 0
                                                        ) % cardinality(CAST($1 AS NAME[]))]
                                                      ) AS TEXT),
                                                      ' ',
                                                      CAST((
                                                        (
                                                          CAST($2 AS NAME[])
                                                        )[1 + (
                                                          (
                                                            get_byte(k.h, 3) * 256 + get_byte(k.h, 4)
                                                          ) + 0
                                                        ) % cardinality(CAST($2 AS NAME[]))]
                                                      ) AS TEXT)
                                                    ),
                                                    (
                                                      e1.d #>> CAST(ARRAY['name'] AS TEXT[])
                                                    )
                                                  ),
                                                  CONCAT(
                                                    CAST((
                                                      (
                                                        CAST($1 AS NAME[])
                                                      )[1 + (
                                                        (
                                                          get_byte(k.h, 0) * 256 + get_byte(k.h, 1)
                                                        ) + 0
                                                      ) % cardinality(CAST($1 AS NAME[]))]
                                                    ) AS TEXT),
                                                    ' ',
                                                    CAST((
                                                      (
                                                        CAST($2 AS NAME[])
                                                      )[1 + (
                                                        (
                                                          get_byte(k.h, 3) * 256 + get_byte(k.h, 4)
                                                        ) + 1
                                                      ) % cardinality(CAST($2 AS NAME[]))]
                                                    ) AS TEXT)
                                                  )
                                                )
                                              FROM (
                                                SELECT
                                                  SHA256(
                                                    CAST($3 AS BYTEA) || SHA256(
                                                      CAST($4 AS BYTEA) || convert_to((
                                                        e1.d #>> CAST(ARRAY['name'] AS TEXT[])
                                                      ), 'UTF8')
                                                    )
                                                  ) AS h
                                                OFFSET 0
                                              ) AS k
                                            )
                                          END AS TEXT) AS t
                                        OFFSET 0
                                      ) AS n
                                    )
                                    ELSE CAST('null' AS JSONB)
                                  END
                                )
                              END
                            ) || CASE
                              WHEN (
                                e1.d #> CAST(ARRAY['age'] AS TEXT[])
                              ) IS NULL
                              THEN CAST('{}' AS JSONB)
                              ELSE jsonb_build_object('age', (
                                e1.d #> CAST(ARRAY['age'] AS TEXT[])
                              ))
                            END
                          )
                          ELSE CAST('null' AS JSONB)
                        END
                      ),
                      '[]'
                    )
                  FROM jsonb_array_elements((
                    t."contacts" #> CAST(ARRAY['people'] AS TEXT[])
                  )) AS e1(d)
                )
                ELSE CAST('null' AS JSONB)
              END
            )
          END
        ) || CASE
          WHEN (
            t."contacts" #> CAST(ARRAY['a.b'] AS TEXT[])
          ) IS NULL
          THEN CAST('{}' AS JSONB)
          ELSE jsonb_build_object(
            'a.b',
            CASE jsonb_typeof((
                t."contacts" #> CAST(ARRAY['a.b'] AS TEXT[])
              ))
              WHEN 'string'
              THEN CAST('""' AS JSONB)
              WHEN 'number'
              THEN CAST('0' AS JSONB)
              WHEN 'boolean'
              THEN CAST('false' AS JSONB)
              WHEN 'array'
              THEN CAST('[]' AS JSONB)
              WHEN 'object'
              THEN CAST('{}' AS JSONB)
              ELSE CAST('null' AS JSONB)
            END
          )
        END
      )
      ELSE CAST('{}' AS JSONB)
    END
  END,
  CASE
    WHEN t."log" IS NULL
    THEN t."log"
    ELSE (
      SELECT
        CAST(CASE
          WHEN jsonb_typeof(j.d) = 'array'
          THEN (
            SELECT
              COALESCE(
                jsonb_agg(
                  CASE
                    WHEN jsonb_typeof(e1.d) = 'object'
                    THEN (
                      CAST('{}' AS JSONB) || CASE
                        WHEN (
                          e1.d #> CAST(ARRAY['name'] AS TEXT[])
                        ) IS NULL
                        THEN CAST('{}' AS JSONB)
                        ELSE jsonb_build_object(
                          'name',
                          CASE jsonb_typeof((
                              e1.d #> CAST(ARRAY['name'] AS TEXT[])
                            ))
                            WHEN 'string'
                            THEN CASE
                              WHEN (
                                e1.d #>> CAST(ARRAY['name'] AS TEXT[])
                              ) = ''
                              THEN (
                                e1.d #> CAST(ARRAY['name'] AS TEXT[])
                              )
                              ELSE CAST('7' AS JSONB)
                            END
                            WHEN 'number'
                            THEN CASE
                              WHEN (
                                e1.d #>> CAST(ARRAY['name'] AS TEXT[])
                              ) = ''
                              THEN (
                                e1.d #> CAST(ARRAY['name'] AS TEXT[])
                              )
                              ELSE CAST('7' AS JSONB)
                            END
                            WHEN 'boolean'
                            THEN CASE
                              WHEN (
                                e1.d #>> CAST(ARRAY['name'] AS TEXT[])
                              ) = ''
                              THEN (
                                e1.d #> CAST(ARRAY['name'] AS TEXT[])
                              )
                              ELSE CAST('7' AS JSONB)
                            END
                            ELSE CAST('null' AS JSONB)
                          END
                        )
                      END
                    )
                    ELSE CAST('null' AS JSONB)
                  END
                ),
                '[]'
              )
            FROM jsonb_array_elements(j.d) AS e1(d)
          )
          ELSE CAST('[]' AS JSONB)
        END AS JSON)
      FROM (
        SELECT
          CASE
            WHEN (
              CAST(t."log" AS TEXT) ~ '[0-9][eE][+-]?[0-9]{5}'
              OR octet_length(CAST(t."log" AS TEXT)) > 16000
            )
            AND CAST(t."log" AS TEXT) ~ '(^|[[,:[:space:]])-?[0-9][0-9.]*([eE][+-]?[0-9]{5}|[0-9]{250})'
            THEN CAST('{}' AS JSONB)
            WHEN POSITION('\u0000' IN CAST(t."log" AS TEXT)) > 0
            THEN CAST(REGEXP_REPLACE(CAST(t."log" AS TEXT), '(?<!\\)((\\\\)*)\\u0000', '\1\ufffd', 'g') AS JSONB)
            ELSE CAST(t."log" AS JSONB)
          END AS d
        OFFSET 0
      ) AS j
    )
  END,
  CASE
    WHEN t."home" IS NULL
    THEN t."home"
    ELSE CAST(ROW(
      (
        CASE
          WHEN (
            t."home"
          )."street" IS NULL OR (
            t."home"
          )."street" = ''
          THEN (
            t."home"
          )."street"
          ELSE (
            SELECT
              COALESCE(
                NULLIF(
                  CONCAT(
                    1 + (
                      get_byte(k.h, 6) * 256 + get_byte(k.h, 7)
                    ) % 9899,
                    ' ',
                    CAST((
                      (
                        CAST($5 AS NAME[])
                      )[1 + (
                        (
                          get_byte(k.h, 9) * 256 + get_byte(k.h, 10)
                        ) + 0
                      ) % cardinality(CAST($5 AS NAME[]))]
                    ) AS TEXT)
                  ),
                  (
                    t."home"
                  )."street"
                ),
                CONCAT(
                  1 + (
                    get_byte(k.h, 6) * 256 + get_byte(k.h, 7)
                  ) % 9899,
                  ' ',
                  CAST((
                    (
                      CAST($5 AS NAME[])
                    )[1 + (
                      (
                        get_byte(k.h, 9) * 256 + get_byte(k.h, 10)
                      ) + 1
                    ) % cardinality(CAST($5 AS NAME[]))]
                  ) AS TEXT)
                )
              )
            FROM (
              SELECT
                SHA256(
                  CAST($6 AS BYTEA) || SHA256(CAST($7 AS BYTEA) || convert_to((
                    t."home"
                  )."street", 'UTF8'))
                ) AS h
              OFFSET 0
            ) AS k
          )
        END
      ),
      (
        CASE
          WHEN (
            t."home"
          )."zip" IS NULL OR (
            t."home"
          )."zip" = ''
          THEN (
            t."home"
          )."zip"
          ELSE (
            t."home"
          )."zip"
        END
      ),
      NULL
    ) AS public.place)
  END,
  CASE
    WHEN t."mood" IS NULL
    THEN t."mood"
    ELSE (
      CAST(ARRAY['low', 'high'] AS public.mood[])
    )[1 + (
      get_byte(t.understudy_bbe9ead4c58e, 0) * 65536 + get_byte(t.understudy_bbe9ead4c58e, 1) * 256 + get_byte(t.understudy_bbe9ead4c58e, 2)
    ) % 2]
  END,
  CASE WHEN t."feeling" IS NULL THEN t."feeling" ELSE CAST('low' AS public.mood) END,
  CASE WHEN t."flags" IS NULL THEN t."flags" ELSE (
    t."flags" # t."flags"
  ) END,
  CASE WHEN t."spot" IS NULL THEN t."spot" ELSE CAST('(0,0)' AS POINT) END,
  CASE WHEN t."stay" IS NULL THEN t."stay" ELSE CAST('empty' AS INT4RANGE) END,
  CASE
    WHEN t."words" IS NULL
    THEN t."words"
    ELSE (
      SELECT
        CASE
          WHEN array_ndims(t."words") > 1 OR array_lower(t."words", 1) <> 1
          THEN CAST(CONCAT(
            array_dims(t."words"),
            '=',
            (
              WITH RECURSIVE inside(level, size) AS (
                SELECT
                  array_ndims(t."words"),
                  1
                UNION ALL
                SELECT
                  level - 1,
                  size * ARRAY_LENGTH(t."words", level)
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
                            level < array_ndims(t."words") AND (
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
                            level < array_ndims(t."words") AND n % size = 0
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
                  COALESCE(
                    NULLIF(
                      (
                        SELECT
                          STRING_AGG(
                            
                              CASE
                                WHEN u.c BETWEEN 48 AND 57
                                THEN CHR(  48 + get_byte(k.h, (
                                    u.i
                                  ) % 32) % 10)
                                WHEN u.c BETWEEN 65 AND 90
                                THEN CHR(  65 + get_byte(k.h, (
                                    u.i
                                  ) % 32) % 26)
                                WHEN u.c BETWEEN 97 AND 122 OR u.c > 126
                                THEN CHR(  97 + get_byte(k.h, (
                                    u.i
                                  ) % 32) % 26)
                                ELSE CHR(  u.c)
                              END,
                              ''
                            
                          )
                        FROM (
                          SELECT
                            ASCII(s.c),
                            CAST((
                              s.n - 1
                            ) AS INT)
                          FROM UNNEST(STRING_TO_ARRAY(u."e", NULL)) WITH ORDINALITY AS s(c, n)
                        ) AS u(c, i)
                      ),
                      u."e"
                    ),
                    TRANSLATE(
                      u."e",
                      '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz',
                      '1234567890BCDEFGHIJKLMNOPQRSTUVWXYZAbcdefghijklmnopqrstuvwxyza'
                    )
                  )
                FROM (
                  SELECT
                    SHA256(CAST($8 AS BYTEA) || SHA256(CAST($9 AS BYTEA) || convert_to(u."e", 'UTF8'))) AS h
                  OFFSET 0
                ) AS k
              )
            END
          FROM (
            SELECT
              UNNEST(t."words") AS e
          ) AS u) AS TEXT[]) AS flat
        OFFSET 0
      ) AS a
    )
  END,
  CASE WHEN t."hash" IS NULL OR t."hash" = '' THEN t."hash" ELSE CAST($10 AS TEXT) END
FROM (
  SELECT
    t.*,
    SHA256(
      CAST($11 AS BYTEA) || SHA256(
        CAST($12 AS BYTEA) || convert_to(COALESCE(CAST(t."id" AS TEXT), CAST(t."mood" AS TEXT)), 'UTF8')
      )
    ) AS understudy_bbe9ead4c58e
  FROM ONLY "public"."visit" AS t
  OFFSET 0
) AS t;
