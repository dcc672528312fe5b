-- public.account (id, settings, log, secret, hash, photo, token): treated
-- $1: opad:email
-- $2: ipad:email
-- $3: opad:json
-- $4: ipad:json
-- $5: password:bcrypt
-- $6: opad:account_number
-- $7: ipad:account_number
SELECT
  CASE
    WHEN t."id" IS NULL
    THEN t."id"
    ELSE CAST(LEFT(ENCODE(t.understudy_c6bbc50b9650, 'hex'), 32) AS UUID)
  END,
  CASE
    WHEN t."settings" IS NULL
    THEN t."settings"
    ELSE CASE
      WHEN jsonb_typeof(t."settings") = 'object'
      THEN (
        (
          CAST('{}' AS JSONB) || CASE
            WHEN (
              t."settings" #> CAST(ARRAY['theme'] AS TEXT[])
            ) IS NULL
            THEN CAST('{}' AS JSONB)
            ELSE jsonb_build_object('theme', (
              t."settings" #> CAST(ARRAY['theme'] AS TEXT[])
            ))
          END
        ) || CASE
          WHEN (
            t."settings" #> CAST(ARRAY['recovery'] AS TEXT[])
          ) IS NULL
          THEN CAST('{}' AS JSONB)
          ELSE jsonb_build_object(
            'recovery',
            CASE
              WHEN jsonb_typeof((
                t."settings" #> CAST(ARRAY['recovery'] AS TEXT[])
              )) = 'object'
              THEN (
                (
                  CAST('{}' AS JSONB) || CASE
                    WHEN (
                      t."settings" #> CAST(ARRAY['recovery', 'email'] AS TEXT[])
                    ) IS NULL
                    THEN CAST('{}' AS JSONB)
                    ELSE jsonb_build_object(
                      'email',
                      CASE
                        WHEN jsonb_typeof((
                          t."settings" #> CAST(ARRAY['recovery', 'email'] AS TEXT[])
                        )) IN ('string', 'number')
                        THEN (
                          SELECT
                            CASE
                              WHEN jsonb_typeof((
                                t."settings" #> CAST(ARRAY['recovery', 'email'] AS TEXT[])
                              )) = 'number'
                              AND n.t ~ '^-?[0-9]+([.][0-9]+)?$'
                              THEN to_jsonb(CAST(n.t AS DECIMAL))
                              ELSE to_jsonb(n.t)
                            END
                          FROM (
                            SELECT
                              CAST(CASE
                                WHEN (
                                  t."settings" #>> CAST(ARRAY['recovery', 'email'] AS TEXT[])
                                ) IS NULL
                                OR (
                                  t."settings" #>> CAST(ARRAY['recovery', 'email'] AS TEXT[])
                                ) = ''
                                THEN (
                                  t."settings" #>> CAST(ARRAY['recovery', 'email'] AS TEXT[])
                                )
                                ELSE (
                                  SELECT
                                    COALESCE(
                                      NULLIF(
                                        CONCAT('u', LEFT(ENCODE(k.h, 'hex'), 20), '@example.com'),
                                        (
                                          t."settings" #>> CAST(ARRAY['recovery', 'email'] AS TEXT[])
                                        )
                                      ),
                                      CONCAT('v', LEFT(ENCODE(k.h, 'hex'), 20), '@example.com')
                                    )
                                  FROM (
                                    SELECT
                                      SHA256(
                                        CAST($1 AS BYTEA) || SHA256(
                                          CAST($2 AS BYTEA) || convert_to(LOWER((
                                            t."settings" #>> CAST(ARRAY['recovery', 'email'] AS TEXT[])
                                          )), 'UTF8')
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
                    t."settings" #> CAST(ARRAY['recovery', 'code'] AS TEXT[])
                  ) IS NULL
                  THEN CAST('{}' AS JSONB)
                  ELSE jsonb_build_object(
                    'code',
                    CASE
                      WHEN jsonb_typeof((
                        t."settings" #> CAST(ARRAY['recovery', 'code'] AS TEXT[])
                      )) IN ('string', 'number')
                      THEN (
                        SELECT
                          CASE
                            WHEN jsonb_typeof((
                              t."settings" #> CAST(ARRAY['recovery', 'code'] AS TEXT[])
                            )) = 'number'
                            AND n.t ~ '^-?[0-9]+([.][0-9]+)?$'
                            THEN to_jsonb(CAST(n.t AS DECIMAL))
                            ELSE to_jsonb(n.t)
                          END
                        FROM (
                          SELECT
                            CAST(CASE
                              WHEN (
                                t."settings" #>> CAST(ARRAY['recovery', 'code'] AS TEXT[])
                              ) IS NULL
                              OR (
                                t."settings" #>> CAST(ARRAY['recovery', 'code'] AS TEXT[])
                              ) = ''
                              THEN (
                                t."settings" #>> CAST(ARRAY['recovery', 'code'] AS TEXT[])
                              )
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
                                          FROM UNNEST(STRING_TO_ARRAY((
                                            t."settings" #>> CAST(ARRAY['recovery', 'code'] AS TEXT[])
                                          ), NULL)) WITH ORDINALITY AS s(c, n)
                                        ) AS u(c, i)
                                      ),
                                      (
                                        t."settings" #>> CAST(ARRAY['recovery', 'code'] AS TEXT[])
                                      )
                                    ),
                                    TRANSLATE(
                                      (
                                        t."settings" #>> CAST(ARRAY['recovery', 'code'] AS TEXT[])
                                      ),
                                      '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz',
                                      '1234567890BCDEFGHIJKLMNOPQRSTUVWXYZAbcdefghijklmnopqrstuvwxyza'
                                    )
                                  )
                                FROM (
                                  SELECT
                                    SHA256(
                                      CAST($3 AS BYTEA) || SHA256(
                                        CAST($4 AS BYTEA) || convert_to((
                                          t."settings" #>> CAST(ARRAY['recovery', 'code'] AS TEXT[])
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
              )
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
          WHEN jsonb_typeof(j.d) = 'object'
          THEN (
            CAST('{}' AS JSONB) || CASE
              WHEN (
                j.d #> CAST(ARRAY['a'] AS TEXT[])
              ) IS NULL
              THEN CAST('{}' AS JSONB)
              ELSE jsonb_build_object('a', (
                j.d #> CAST(ARRAY['a'] AS TEXT[])
              ))
            END
          )
          ELSE CAST('{}' AS JSONB)
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
  NULL,
  CASE WHEN t."hash" IS NULL OR t."hash" = '' THEN t."hash" ELSE CAST($5 AS TEXT) END,
  CASE
    WHEN t."photo" IS NULL
    THEN t."photo"
    ELSE DECODE(
      '89504e470d0a1a0a0000000d4948445200000001000000010804000000b51c0c020000000b4944415478da6364f80f00010501012718e3660000000049454e44ae426082',
      'hex'
    )
  END,
  CASE WHEN t."token" IS NULL OR t."token" = '' THEN t."token" ELSE 'void' END
FROM (
  SELECT
    t.*,
    SHA256(
      CAST($6 AS BYTEA) || SHA256(CAST($7 AS BYTEA) || convert_to(CAST(t."id" AS TEXT), 'UTF8'))
    ) AS understudy_c6bbc50b9650
  FROM ONLY "public"."account" AS t
  OFFSET 0
) AS t;
