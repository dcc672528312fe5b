-- public.people (id, first, last, email, contact, phone, phones, home, notes, born, fee): treated
-- $1: pool:first_name:40
-- $2: pool:last_name:63
-- $3: opad:phone
-- $4: ipad:phone
-- $5: pool:sentence:63
-- $6: factor:financial_sensitive
-- $7: opad:first_name
-- $8: ipad:first_name
-- $9: opad:last_name
-- $10: ipad:last_name
-- $11: opad:email
-- $12: ipad:email
-- $13: opad:ip
-- $14: ipad:ip
-- $15: opad:free_text
-- $16: ipad:free_text
-- $17: opad:quasi_identifier
-- $18: ipad:quasi_identifier
-- $19: opad:financial_sensitive
-- $20: ipad:financial_sensitive
SELECT
  t."id",
  CASE
    WHEN t."first" IS NULL OR t."first" = ''
    THEN t."first"
    ELSE COALESCE(
      NULLIF(
        CAST((
          (
            CAST($1 AS NAME[])
          )[1 + (
            (
              get_byte(t.understudy_d1420c123c5c, 0) * 256 + get_byte(t.understudy_d1420c123c5c, 1)
            ) + 0
          ) % cardinality(CAST($1 AS NAME[]))]
        ) AS TEXT),
        CAST(t."first" AS TEXT)
      ),
      CAST((
        (
          CAST($1 AS NAME[])
        )[1 + (
          (
            get_byte(t.understudy_d1420c123c5c, 0) * 256 + get_byte(t.understudy_d1420c123c5c, 1)
          ) + 1
        ) % cardinality(CAST($1 AS NAME[]))]
      ) AS TEXT)
    )
  END,
  CASE
    WHEN t."last" IS NULL OR t."last" = ''
    THEN t."last"
    ELSE COALESCE(
      NULLIF(
        CAST((
          (
            CAST($2 AS NAME[])
          )[1 + (
            (
              get_byte(t.understudy_779fd4c748d2, 3) * 256 + get_byte(t.understudy_779fd4c748d2, 4)
            ) + 0
          ) % cardinality(CAST($2 AS NAME[]))]
        ) AS TEXT),
        t."last"
      ),
      CAST((
        (
          CAST($2 AS NAME[])
        )[1 + (
          (
            get_byte(t.understudy_779fd4c748d2, 3) * 256 + get_byte(t.understudy_779fd4c748d2, 4)
          ) + 1
        ) % cardinality(CAST($2 AS NAME[]))]
      ) AS TEXT)
    )
  END,
  CASE
    WHEN t."email" IS NULL OR t."email" = ''
    THEN t."email"
    ELSE COALESCE(
      NULLIF(
        CONCAT('u', LEFT(ENCODE(t.understudy_367a8d159627, 'hex'), 20), '@example.com'),
        t."email"
      ),
      CONCAT('v', LEFT(ENCODE(t.understudy_367a8d159627, 'hex'), 20), '@example.com')
    )
  END,
  CASE
    WHEN t."contact" IS NULL OR t."contact" = ''
    THEN t."contact"
    ELSE COALESCE(
      NULLIF(
        CONCAT('u', LEFT(ENCODE(t.understudy_0267b411a7f1, 'hex'), 20), '@example.com'),
        t."contact"
      ),
      CONCAT('v', LEFT(ENCODE(t.understudy_0267b411a7f1, 'hex'), 20), '@example.com')
    )
  END,
  CASE
    WHEN t."phone" IS NULL OR t."phone" = ''
    THEN t."phone"
    ELSE COALESCE(
      NULLIF(
        CASE
          WHEN TRANSLATE(t."phone", '0123456789', '') = ''
          THEN CONCAT(
            201 + (
              get_byte(t.understudy_3efa4dc2323c, 12) * 256 + get_byte(t.understudy_3efa4dc2323c, 13)
            ) % 789,
            '55501',
            RIGHT(
              CAST((
                100 + (
                  get_byte(t.understudy_3efa4dc2323c, 15) + 0
                ) % 100
              ) AS TEXT),
              2
            )
          )
          ELSE CONCAT(
            201 + (
              get_byte(t.understudy_3efa4dc2323c, 12) * 256 + get_byte(t.understudy_3efa4dc2323c, 13)
            ) % 789,
            '-555-01',
            RIGHT(
              CAST((
                100 + (
                  get_byte(t.understudy_3efa4dc2323c, 15) + 0
                ) % 100
              ) AS TEXT),
              2
            )
          )
        END,
        t."phone"
      ),
      CASE
        WHEN TRANSLATE(t."phone", '0123456789', '') = ''
        THEN CONCAT(
          201 + (
            get_byte(t.understudy_3efa4dc2323c, 12) * 256 + get_byte(t.understudy_3efa4dc2323c, 13)
          ) % 789,
          '55501',
          RIGHT(
            CAST((
              100 + (
                get_byte(t.understudy_3efa4dc2323c, 15) + 1
              ) % 100
            ) AS TEXT),
            2
          )
        )
        ELSE CONCAT(
          201 + (
            get_byte(t.understudy_3efa4dc2323c, 12) * 256 + get_byte(t.understudy_3efa4dc2323c, 13)
          ) % 789,
          '-555-01',
          RIGHT(
            CAST((
              100 + (
                get_byte(t.understudy_3efa4dc2323c, 15) + 1
              ) % 100
            ) AS TEXT),
            2
          )
        )
      END
    )
  END,
  CASE
    WHEN t."phones" IS NULL
    THEN t."phones"
    ELSE (
      SELECT
        CASE
          WHEN array_ndims(t."phones") > 1 OR array_lower(t."phones", 1) <> 1
          THEN CAST(CONCAT(
            array_dims(t."phones"),
            '=',
            (
              WITH RECURSIVE inside(level, size) AS (
                SELECT
                  array_ndims(t."phones"),
                  1
                UNION ALL
                SELECT
                  level - 1,
                  size * ARRAY_LENGTH(t."phones", level)
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
                            level < array_ndims(t."phones") AND (
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
                            level < array_ndims(t."phones") AND n % size = 0
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
                      CASE
                        WHEN TRANSLATE(u."e", '0123456789', '') = ''
                        THEN CONCAT(
                          201 + (
                            get_byte(k.h, 12) * 256 + get_byte(k.h, 13)
                          ) % 789,
                          '55501',
                          RIGHT(CAST((
                            100 + (
                              get_byte(k.h, 15) + 0
                            ) % 100
                          ) AS TEXT), 2)
                        )
                        ELSE CONCAT(
                          201 + (
                            get_byte(k.h, 12) * 256 + get_byte(k.h, 13)
                          ) % 789,
                          '-555-01',
                          RIGHT(CAST((
                            100 + (
                              get_byte(k.h, 15) + 0
                            ) % 100
                          ) AS TEXT), 2)
                        )
                      END,
                      u."e"
                    ),
                    CASE
                      WHEN TRANSLATE(u."e", '0123456789', '') = ''
                      THEN CONCAT(
                        201 + (
                          get_byte(k.h, 12) * 256 + get_byte(k.h, 13)
                        ) % 789,
                        '55501',
                        RIGHT(CAST((
                          100 + (
                            get_byte(k.h, 15) + 1
                          ) % 100
                        ) AS TEXT), 2)
                      )
                      ELSE CONCAT(
                        201 + (
                          get_byte(k.h, 12) * 256 + get_byte(k.h, 13)
                        ) % 789,
                        '-555-01',
                        RIGHT(CAST((
                          100 + (
                            get_byte(k.h, 15) + 1
                          ) % 100
                        ) AS TEXT), 2)
                      )
                    END
                  )
                FROM (
                  SELECT
                    SHA256(CAST($3 AS BYTEA) || SHA256(CAST($4 AS BYTEA) || convert_to(u."e", 'UTF8'))) AS h
                  OFFSET 0
                ) AS k
              )
            END
          FROM (
            SELECT
              UNNEST(t."phones") AS e
          ) AS u) AS TEXT[]) AS flat
        OFFSET 0
      ) AS a
    )
  END,
  CASE
    WHEN t."home" IS NULL
    THEN t."home"
    ELSE COALESCE(
      NULLIF(
        set_masklen(
          CAST(CASE
            WHEN HOST(t."home") LIKE '%:%'
            THEN CONCAT(
              '2001:db8:',
              pg_catalog.to_hex(
                1 + (
                  (
                    get_byte(t.understudy_8bd08f33791b, 16) * 65536 + get_byte(t.understudy_8bd08f33791b, 17) * 256 + get_byte(t.understudy_8bd08f33791b, 18)
                  ) + 0
                ) % 65535
              ),
              ':',
              pg_catalog.to_hex(
                1 + (
                  get_byte(t.understudy_8bd08f33791b, 19) * 65536 + get_byte(t.understudy_8bd08f33791b, 20) * 256 + get_byte(t.understudy_8bd08f33791b, 21)
                ) % 65535
              ),
              '::',
              pg_catalog.to_hex(1 + get_byte(t.understudy_8bd08f33791b, 22))
            )
            ELSE CONCAT(
              (
                ARRAY['192.0.2.', '198.51.100.', '203.0.113.']
              )[1 + (
                get_byte(t.understudy_8bd08f33791b, 16) + 0
              ) % 3],
              1 + (
                get_byte(t.understudy_8bd08f33791b, 17) * 65536 + get_byte(t.understudy_8bd08f33791b, 18) * 256 + get_byte(t.understudy_8bd08f33791b, 19)
              ) % 254
            )
          END AS INET),
          masklen(t."home")
        ),
        t."home"
      ),
      set_masklen(
        CAST(CASE
          WHEN HOST(t."home") LIKE '%:%'
          THEN CONCAT(
            '2001:db8:',
            pg_catalog.to_hex(
              1 + (
                (
                  get_byte(t.understudy_8bd08f33791b, 16) * 65536 + get_byte(t.understudy_8bd08f33791b, 17) * 256 + get_byte(t.understudy_8bd08f33791b, 18)
                ) + 1
              ) % 65535
            ),
            ':',
            pg_catalog.to_hex(
              1 + (
                get_byte(t.understudy_8bd08f33791b, 19) * 65536 + get_byte(t.understudy_8bd08f33791b, 20) * 256 + get_byte(t.understudy_8bd08f33791b, 21)
              ) % 65535
            ),
            '::',
            pg_catalog.to_hex(1 + get_byte(t.understudy_8bd08f33791b, 22))
          )
          ELSE CONCAT(
            (
              ARRAY['192.0.2.', '198.51.100.', '203.0.113.']
            )[1 + (
              get_byte(t.understudy_8bd08f33791b, 16) + 1
            ) % 3],
            1 + (
              get_byte(t.understudy_8bd08f33791b, 17) * 65536 + get_byte(t.understudy_8bd08f33791b, 18) * 256 + get_byte(t.understudy_8bd08f33791b, 19)
            ) % 254
          )
        END AS INET),
        masklen(t."home")
      )
    )
  END,
  CASE
    WHEN t."notes" IS NULL OR t."notes" = ''
    THEN t."notes"
    ELSE CASE
      WHEN LENGTH(t."notes") <= 80
      THEN COALESCE(
        NULLIF(
          CAST((
            (
              CAST($5 AS NAME[])
            )[1 + (
              (
                get_byte(t.understudy_35adfc5e4826, 9) * 256 + get_byte(t.understudy_35adfc5e4826, 10)
              ) + 0
            ) % cardinality(CAST($5 AS NAME[]))]
          ) AS TEXT),
          t."notes"
        ),
        CAST((
          (
            CAST($5 AS NAME[])
          )[1 + (
            (
              get_byte(t.understudy_35adfc5e4826, 9) * 256 + get_byte(t.understudy_35adfc5e4826, 10)
            ) + 1
          ) % cardinality(CAST($5 AS NAME[]))]
        ) AS TEXT)
      )
      ELSE CONCAT(
        CAST((
          (
            CAST($5 AS NAME[])
          )[1 + (
            (
              get_byte(t.understudy_35adfc5e4826, 9) * 256 + get_byte(t.understudy_35adfc5e4826, 10)
            ) + 0
          ) % cardinality(CAST($5 AS NAME[]))]
        ) AS TEXT),
        ' ',
        CAST((
          (
            CAST($5 AS NAME[])
          )[1 + (
            (
              get_byte(t.understudy_35adfc5e4826, 12) * 256 + get_byte(t.understudy_35adfc5e4826, 13)
            ) + 0
          ) % cardinality(CAST($5 AS NAME[]))]
        ) AS TEXT),
        ' ',
        CAST((
          (
            CAST($5 AS NAME[])
          )[1 + (
            (
              get_byte(t.understudy_35adfc5e4826, 15) * 256 + get_byte(t.understudy_35adfc5e4826, 16)
            ) + 0
          ) % cardinality(CAST($5 AS NAME[]))]
        ) AS TEXT)
      )
    END
  END,
  CASE
    WHEN t."born" IS NULL
    THEN t."born"
    ELSE CASE
      WHEN t."born" >= '0011-01-01' AND t."born" < '9990-01-01'
      THEN t."born" + CAST((
        (
          (
            1 + (
              get_byte(t.understudy_d12c8c997f62, 0) * 65536 + get_byte(t.understudy_d12c8c997f62, 1) * 256 + get_byte(t.understudy_d12c8c997f62, 2)
            ) % 20
          )
        ) * (
          1 - 2 * (
            get_byte(t.understudy_d12c8c997f62, 3) % 2
          )
        )
      ) AS INT)
      ELSE t."born"
    END
  END,
  CASE
    WHEN t."fee" IS NULL
    THEN t."fee"
    ELSE CAST(COALESCE(
      NULLIF(
        ROUND(
          CAST(t."fee" AS DECIMAL) * (
            CAST($6 AS DECIMAL) * (
              1 - CAST('0.05' AS DECIMAL) * (
                get_byte(t.understudy_fe534879189e, 0) * 65536 + get_byte(t.understudy_fe534879189e, 1) * 256 + get_byte(t.understudy_fe534879189e, 2)
              ) / 16777216
            )
          ),
          (
            2
          )
        ),
        0
      ),
      ROUND(
        CAST(SIGN(CAST(t."fee" AS DECIMAL)) * POWER(CAST(10 AS DECIMAL), -(
          2
        )) AS DECIMAL),
        (
          2
        )
      )
    ) AS DECIMAL)
  END
FROM (
  SELECT
    t.*,
    SHA256(
      CAST($7 AS BYTEA) || SHA256(CAST($8 AS BYTEA) || convert_to(CAST(t."first" AS TEXT), 'UTF8'))
    ) AS understudy_d1420c123c5c,
    SHA256(CAST($9 AS BYTEA) || SHA256(CAST($10 AS BYTEA) || convert_to(t."last", 'UTF8'))) AS understudy_779fd4c748d2,
    SHA256(
      CAST($11 AS BYTEA) || SHA256(CAST($12 AS BYTEA) || convert_to(LOWER(t."email"), 'UTF8'))
    ) AS understudy_367a8d159627,
    SHA256(
      CAST($11 AS BYTEA) || SHA256(CAST($12 AS BYTEA) || convert_to(LOWER(t."contact"), 'UTF8'))
    ) AS understudy_0267b411a7f1,
    SHA256(CAST($3 AS BYTEA) || SHA256(CAST($4 AS BYTEA) || convert_to(t."phone", 'UTF8'))) AS understudy_3efa4dc2323c,
    SHA256(
      CAST($13 AS BYTEA) || SHA256(CAST($14 AS BYTEA) || convert_to(HOST(t."home"), 'UTF8'))
    ) AS understudy_8bd08f33791b,
    SHA256(
      CAST($15 AS BYTEA) || SHA256(CAST($16 AS BYTEA) || convert_to(t."notes", 'UTF8'))
    ) AS understudy_35adfc5e4826,
    SHA256(
      CAST($17 AS BYTEA) || SHA256(
        CAST($18 AS BYTEA) || convert_to(COALESCE(CAST(t."id" AS TEXT), CAST(t."born" AS TEXT)), 'UTF8')
      )
    ) AS understudy_d12c8c997f62,
    SHA256(
      CAST($19 AS BYTEA) || SHA256(
        CAST($20 AS BYTEA) || convert_to(CAST(trim_scale(CAST(t."fee" AS DECIMAL)) AS TEXT), 'UTF8')
      )
    ) AS understudy_fe534879189e
  FROM ONLY "public"."people" AS t
  OFFSET 0
) AS t;
