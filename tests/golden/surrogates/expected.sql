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
              get_byte(t.understudy_d1420c123c5c, 0) * 65536 + get_byte(t.understudy_d1420c123c5c, 1) * 256 + get_byte(t.understudy_d1420c123c5c, 2)
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
            get_byte(t.understudy_d1420c123c5c, 0) * 65536 + get_byte(t.understudy_d1420c123c5c, 1) * 256 + get_byte(t.understudy_d1420c123c5c, 2)
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
              get_byte(t.understudy_779fd4c748d2, 0) * 65536 + get_byte(t.understudy_779fd4c748d2, 1) * 256 + get_byte(t.understudy_779fd4c748d2, 2)
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
            get_byte(t.understudy_779fd4c748d2, 0) * 65536 + get_byte(t.understudy_779fd4c748d2, 1) * 256 + get_byte(t.understudy_779fd4c748d2, 2)
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
          THEN CAST((
            201 + (
              get_byte(t.understudy_3efa4dc2323c, 0) * 65536 + get_byte(t.understudy_3efa4dc2323c, 1) * 256 + get_byte(t.understudy_3efa4dc2323c, 2)
            ) % 789
          ) AS TEXT) || '55501' || RIGHT(
            CAST((
              100 + (
                (
                  get_byte(t.understudy_3efa4dc2323c, 3) * 65536 + get_byte(t.understudy_3efa4dc2323c, 4) * 256 + get_byte(t.understudy_3efa4dc2323c, 5)
                ) + 0
              ) % 100
            ) AS TEXT),
            2
          )
          ELSE CAST((
            201 + (
              get_byte(t.understudy_3efa4dc2323c, 0) * 65536 + get_byte(t.understudy_3efa4dc2323c, 1) * 256 + get_byte(t.understudy_3efa4dc2323c, 2)
            ) % 789
          ) AS TEXT) || '-555-01' || RIGHT(
            CAST((
              100 + (
                (
                  get_byte(t.understudy_3efa4dc2323c, 3) * 65536 + get_byte(t.understudy_3efa4dc2323c, 4) * 256 + get_byte(t.understudy_3efa4dc2323c, 5)
                ) + 0
              ) % 100
            ) AS TEXT),
            2
          )
        END,
        t."phone"
      ),
      CASE
        WHEN TRANSLATE(t."phone", '0123456789', '') = ''
        THEN CAST((
          201 + (
            get_byte(t.understudy_3efa4dc2323c, 0) * 65536 + get_byte(t.understudy_3efa4dc2323c, 1) * 256 + get_byte(t.understudy_3efa4dc2323c, 2)
          ) % 789
        ) AS TEXT) || '55501' || RIGHT(
          CAST((
            100 + (
              (
                get_byte(t.understudy_3efa4dc2323c, 3) * 65536 + get_byte(t.understudy_3efa4dc2323c, 4) * 256 + get_byte(t.understudy_3efa4dc2323c, 5)
              ) + 1
            ) % 100
          ) AS TEXT),
          2
        )
        ELSE CAST((
          201 + (
            get_byte(t.understudy_3efa4dc2323c, 0) * 65536 + get_byte(t.understudy_3efa4dc2323c, 1) * 256 + get_byte(t.understudy_3efa4dc2323c, 2)
          ) % 789
        ) AS TEXT) || '-555-01' || RIGHT(
          CAST((
            100 + (
              (
                get_byte(t.understudy_3efa4dc2323c, 3) * 65536 + get_byte(t.understudy_3efa4dc2323c, 4) * 256 + get_byte(t.understudy_3efa4dc2323c, 5)
              ) + 1
            ) % 100
          ) AS TEXT),
          2
        )
      END
    )
  END,
  CASE
    WHEN t."phones" IS NULL
    THEN t."phones"
    ELSE ARRAY(SELECT
      CASE
        WHEN u."e" IS NULL OR u."e" = ''
        THEN u."e"
        ELSE (
          SELECT
            COALESCE(
              NULLIF(
                CASE
                  WHEN TRANSLATE(u."e", '0123456789', '') = ''
                  THEN CAST((
                    201 + (
                      get_byte(k.h, 0) * 65536 + get_byte(k.h, 1) * 256 + get_byte(k.h, 2)
                    ) % 789
                  ) AS TEXT) || '55501' || RIGHT(
                    CAST((
                      100 + (
                        (
                          get_byte(k.h, 3) * 65536 + get_byte(k.h, 4) * 256 + get_byte(k.h, 5)
                        ) + 0
                      ) % 100
                    ) AS TEXT),
                    2
                  )
                  ELSE CAST((
                    201 + (
                      get_byte(k.h, 0) * 65536 + get_byte(k.h, 1) * 256 + get_byte(k.h, 2)
                    ) % 789
                  ) AS TEXT) || '-555-01' || RIGHT(
                    CAST((
                      100 + (
                        (
                          get_byte(k.h, 3) * 65536 + get_byte(k.h, 4) * 256 + get_byte(k.h, 5)
                        ) + 0
                      ) % 100
                    ) AS TEXT),
                    2
                  )
                END,
                u."e"
              ),
              CASE
                WHEN TRANSLATE(u."e", '0123456789', '') = ''
                THEN CAST((
                  201 + (
                    get_byte(k.h, 0) * 65536 + get_byte(k.h, 1) * 256 + get_byte(k.h, 2)
                  ) % 789
                ) AS TEXT) || '55501' || RIGHT(
                  CAST((
                    100 + (
                      (
                        get_byte(k.h, 3) * 65536 + get_byte(k.h, 4) * 256 + get_byte(k.h, 5)
                      ) + 1
                    ) % 100
                  ) AS TEXT),
                  2
                )
                ELSE CAST((
                  201 + (
                    get_byte(k.h, 0) * 65536 + get_byte(k.h, 1) * 256 + get_byte(k.h, 2)
                  ) % 789
                ) AS TEXT) || '-555-01' || RIGHT(
                  CAST((
                    100 + (
                      (
                        get_byte(k.h, 3) * 65536 + get_byte(k.h, 4) * 256 + get_byte(k.h, 5)
                      ) + 1
                    ) % 100
                  ) AS TEXT),
                  2
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
    FROM UNNEST(t."phones") WITH ORDINALITY AS u(e, n)
    ORDER BY
      u.n)
  END,
  CASE
    WHEN t."home" IS NULL
    THEN t."home"
    ELSE CAST(COALESCE(
      NULLIF(
        CASE
          WHEN HOST(t."home") LIKE '%:%'
          THEN CONCAT(
            '2001:db8::',
            1 + (
              get_byte(t.understudy_8bd08f33791b, 0) * 65536 + get_byte(t.understudy_8bd08f33791b, 1) * 256 + get_byte(t.understudy_8bd08f33791b, 2)
            ) % 9999,
            ':',
            1 + (
              (
                get_byte(t.understudy_8bd08f33791b, 3) * 65536 + get_byte(t.understudy_8bd08f33791b, 4) * 256 + get_byte(t.understudy_8bd08f33791b, 5)
              ) + 0
            ) % 9999
          )
          ELSE CONCAT(
            (
              ARRAY['192.0.2.', '198.51.100.', '203.0.113.']
            )[1 + (
              get_byte(t.understudy_8bd08f33791b, 0) * 65536 + get_byte(t.understudy_8bd08f33791b, 1) * 256 + get_byte(t.understudy_8bd08f33791b, 2)
            ) % 3],
            (
              (
                get_byte(t.understudy_8bd08f33791b, 3) * 65536 + get_byte(t.understudy_8bd08f33791b, 4) * 256 + get_byte(t.understudy_8bd08f33791b, 5)
              ) + 0
            ) % 256
          )
        END,
        HOST(t."home")
      ),
      CASE
        WHEN HOST(t."home") LIKE '%:%'
        THEN CONCAT(
          '2001:db8::',
          1 + (
            get_byte(t.understudy_8bd08f33791b, 0) * 65536 + get_byte(t.understudy_8bd08f33791b, 1) * 256 + get_byte(t.understudy_8bd08f33791b, 2)
          ) % 9999,
          ':',
          1 + (
            (
              get_byte(t.understudy_8bd08f33791b, 3) * 65536 + get_byte(t.understudy_8bd08f33791b, 4) * 256 + get_byte(t.understudy_8bd08f33791b, 5)
            ) + 1
          ) % 9999
        )
        ELSE CONCAT(
          (
            ARRAY['192.0.2.', '198.51.100.', '203.0.113.']
          )[1 + (
            get_byte(t.understudy_8bd08f33791b, 0) * 65536 + get_byte(t.understudy_8bd08f33791b, 1) * 256 + get_byte(t.understudy_8bd08f33791b, 2)
          ) % 3],
          (
            (
              get_byte(t.understudy_8bd08f33791b, 3) * 65536 + get_byte(t.understudy_8bd08f33791b, 4) * 256 + get_byte(t.understudy_8bd08f33791b, 5)
            ) + 1
          ) % 256
        )
      END
    ) AS INET)
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
                get_byte(t.understudy_35adfc5e4826, 0) * 65536 + get_byte(t.understudy_35adfc5e4826, 1) * 256 + get_byte(t.understudy_35adfc5e4826, 2)
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
              get_byte(t.understudy_35adfc5e4826, 0) * 65536 + get_byte(t.understudy_35adfc5e4826, 1) * 256 + get_byte(t.understudy_35adfc5e4826, 2)
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
              get_byte(t.understudy_35adfc5e4826, 0) * 65536 + get_byte(t.understudy_35adfc5e4826, 1) * 256 + get_byte(t.understudy_35adfc5e4826, 2)
            ) + 0
          ) % cardinality(CAST($5 AS NAME[]))]
        ) AS TEXT),
        ' ',
        CAST((
          (
            CAST($5 AS NAME[])
          )[1 + (
            (
              get_byte(t.understudy_35adfc5e4826, 3) * 65536 + get_byte(t.understudy_35adfc5e4826, 4) * 256 + get_byte(t.understudy_35adfc5e4826, 5)
            ) + 0
          ) % cardinality(CAST($5 AS NAME[]))]
        ) AS TEXT),
        ' ',
        CAST((
          (
            CAST($5 AS NAME[])
          )[1 + (
            (
              get_byte(t.understudy_35adfc5e4826, 6) * 65536 + get_byte(t.understudy_35adfc5e4826, 7) * 256 + get_byte(t.understudy_35adfc5e4826, 8)
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
      WHEN t."born" >= '0010-01-01' AND t."born" < '9990-01-01'
      THEN t."born" + CAST((
        (
          1 + (
            get_byte(t.understudy_d12c8c997f62, 0) * 65536 + get_byte(t.understudy_d12c8c997f62, 1) * 256 + get_byte(t.understudy_d12c8c997f62, 2)
          ) % 20
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
          CAST(t."fee" AS DECIMAL) * CAST($6 AS DECIMAL) * (
            1 - CAST('0.05' AS DECIMAL) * (
              get_byte(t.understudy_fe534879189e, 0) * 65536 + get_byte(t.understudy_fe534879189e, 1) * 256 + get_byte(t.understudy_fe534879189e, 2)
            ) / 16777216
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
