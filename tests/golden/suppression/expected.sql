-- public.letters (id, line2, subject, body, words, opened): treated
-- $1: pool:sentence:63
-- $2: opad:free_text
-- $3: ipad:free_text
SELECT
  t."id",
  NULL,
  CASE
    WHEN t."subject" IS NULL OR t."subject" = ''
    THEN t."subject"
    ELSE 'a letter'
  END,
  CASE
    WHEN t."body" IS NULL OR t."body" = ''
    THEN t."body"
    ELSE CASE
      WHEN LENGTH(t."body") <= 80
      THEN COALESCE(
        NULLIF(
          CAST((
            (
              CAST($1 AS NAME[])
            )[1 + (
              (
                get_byte(t.understudy_6f0bc954a865, 9) * 256 + get_byte(t.understudy_6f0bc954a865, 10)
              ) + 0
            ) % cardinality(CAST($1 AS NAME[]))]
          ) AS TEXT),
          t."body"
        ),
        CAST((
          (
            CAST($1 AS NAME[])
          )[1 + (
            (
              get_byte(t.understudy_6f0bc954a865, 9) * 256 + get_byte(t.understudy_6f0bc954a865, 10)
            ) + 1
          ) % cardinality(CAST($1 AS NAME[]))]
        ) AS TEXT)
      )
      ELSE CONCAT(
        CAST((
          (
            CAST($1 AS NAME[])
          )[1 + (
            (
              get_byte(t.understudy_6f0bc954a865, 9) * 256 + get_byte(t.understudy_6f0bc954a865, 10)
            ) + 0
          ) % cardinality(CAST($1 AS NAME[]))]
        ) AS TEXT),
        ' ',
        CAST((
          (
            CAST($1 AS NAME[])
          )[1 + (
            (
              get_byte(t.understudy_6f0bc954a865, 12) * 256 + get_byte(t.understudy_6f0bc954a865, 13)
            ) + 0
          ) % cardinality(CAST($1 AS NAME[]))]
        ) AS TEXT),
        ' ',
        CAST((
          (
            CAST($1 AS NAME[])
          )[1 + (
            (
              get_byte(t.understudy_6f0bc954a865, 15) * 256 + get_byte(t.understudy_6f0bc954a865, 16)
            ) + 0
          ) % cardinality(CAST($1 AS NAME[]))]
        ) AS TEXT)
      )
    END
  END,
  CASE
    WHEN t."words" IS NULL
    THEN t."words"
    ELSE to_tsvector(
      CAST('english' AS REGCONFIG),
      LEFT(
        CONCAT_WS(
          ' ',
          CAST(CASE
            WHEN t."subject" IS NULL OR t."subject" = ''
            THEN t."subject"
            ELSE 'a letter'
          END AS TEXT),
          CAST(CASE
            WHEN t."body" IS NULL OR t."body" = ''
            THEN t."body"
            ELSE CASE
              WHEN LENGTH(t."body") <= 80
              THEN COALESCE(
                NULLIF(
                  CAST((
                    (
                      CAST($1 AS NAME[])
                    )[1 + (
                      (
                        get_byte(t.understudy_6f0bc954a865, 9) * 256 + get_byte(t.understudy_6f0bc954a865, 10)
                      ) + 0
                    ) % cardinality(CAST($1 AS NAME[]))]
                  ) AS TEXT),
                  t."body"
                ),
                CAST((
                  (
                    CAST($1 AS NAME[])
                  )[1 + (
                    (
                      get_byte(t.understudy_6f0bc954a865, 9) * 256 + get_byte(t.understudy_6f0bc954a865, 10)
                    ) + 1
                  ) % cardinality(CAST($1 AS NAME[]))]
                ) AS TEXT)
              )
              ELSE CONCAT(
                CAST((
                  (
                    CAST($1 AS NAME[])
                  )[1 + (
                    (
                      get_byte(t.understudy_6f0bc954a865, 9) * 256 + get_byte(t.understudy_6f0bc954a865, 10)
                    ) + 0
                  ) % cardinality(CAST($1 AS NAME[]))]
                ) AS TEXT),
                ' ',
                CAST((
                  (
                    CAST($1 AS NAME[])
                  )[1 + (
                    (
                      get_byte(t.understudy_6f0bc954a865, 12) * 256 + get_byte(t.understudy_6f0bc954a865, 13)
                    ) + 0
                  ) % cardinality(CAST($1 AS NAME[]))]
                ) AS TEXT),
                ' ',
                CAST((
                  (
                    CAST($1 AS NAME[])
                  )[1 + (
                    (
                      get_byte(t.understudy_6f0bc954a865, 15) * 256 + get_byte(t.understudy_6f0bc954a865, 16)
                    ) + 0
                  ) % cardinality(CAST($1 AS NAME[]))]
                ) AS TEXT)
              )
            END
          END AS TEXT)
        ),
        100000
      )
    )
  END,
  CASE
    WHEN t."opened" IS NULL
    THEN t."opened"
    ELSE CASE
      WHEN t."opened" >= '0010-01-01' AND t."opened" < '9990-01-01'
      THEN CAST(DATE_TRUNC('MONTH', (
        CAST(t."opened" AS TIMESTAMP)
      )) AS DATE)
      ELSE t."opened"
    END
  END
FROM (
  SELECT
    t.*,
    SHA256(CAST($2 AS BYTEA) || SHA256(CAST($3 AS BYTEA) || convert_to(t."body", 'UTF8'))) AS understudy_6f0bc954a865
  FROM ONLY "public"."letters" AS t
  OFFSET 0
) AS t;
