-- public.lookup (code): dropped columns
SELECT
  t."code"
FROM ONLY "public"."lookup" AS t;

-- public.visit_2023 (id, day, author): treated
-- $1: pool:first_name:31
-- $2: pool:last_name:31
-- $3: opad:full_name
-- $4: ipad:full_name
SELECT
  t."id",
  t."day",
  CASE
    WHEN t."author" IS NULL OR t."author" = ''
    THEN t."author"
    ELSE COALESCE(
      NULLIF(
        CONCAT(
          CAST((
            (
              CAST($1 AS NAME[])
            )[1 + (
              (
                get_byte(t.understudy_92d7f1b59715, 0) * 256 + get_byte(t.understudy_92d7f1b59715, 1)
              ) + 0
            ) % cardinality(CAST($1 AS NAME[]))]
          ) AS TEXT),
          ' ',
          CAST((
            (
              CAST($2 AS NAME[])
            )[1 + (
              (
                get_byte(t.understudy_92d7f1b59715, 3) * 256 + get_byte(t.understudy_92d7f1b59715, 4)
              ) + 0
            ) % cardinality(CAST($2 AS NAME[]))]
          ) AS TEXT)
        ),
        t."author"
      ),
      CONCAT(
        CAST((
          (
            CAST($1 AS NAME[])
          )[1 + (
            (
              get_byte(t.understudy_92d7f1b59715, 0) * 256 + get_byte(t.understudy_92d7f1b59715, 1)
            ) + 0
          ) % cardinality(CAST($1 AS NAME[]))]
        ) AS TEXT),
        ' ',
        CAST((
          (
            CAST($2 AS NAME[])
          )[1 + (
            (
              get_byte(t.understudy_92d7f1b59715, 3) * 256 + get_byte(t.understudy_92d7f1b59715, 4)
            ) + 1
          ) % cardinality(CAST($2 AS NAME[]))]
        ) AS TEXT)
      )
    )
  END
FROM (
  SELECT
    t.*,
    SHA256(CAST($3 AS BYTEA) || SHA256(CAST($4 AS BYTEA) || convert_to(t."author", 'UTF8'))) AS understudy_92d7f1b59715
  FROM ONLY "public"."visit_2023" AS t
  OFFSET 0
) AS t;

-- public.visit_2024 (id, day, author): treated
-- $1: pool:first_name:31
-- $2: pool:last_name:31
-- $3: opad:full_name
-- $4: ipad:full_name
SELECT
  t."id",
  t."day",
  CASE
    WHEN t."author" IS NULL OR t."author" = ''
    THEN t."author"
    ELSE COALESCE(
      NULLIF(
        CONCAT(
          CAST((
            (
              CAST($1 AS NAME[])
            )[1 + (
              (
                get_byte(t.understudy_92d7f1b59715, 0) * 256 + get_byte(t.understudy_92d7f1b59715, 1)
              ) + 0
            ) % cardinality(CAST($1 AS NAME[]))]
          ) AS TEXT),
          ' ',
          CAST((
            (
              CAST($2 AS NAME[])
            )[1 + (
              (
                get_byte(t.understudy_92d7f1b59715, 3) * 256 + get_byte(t.understudy_92d7f1b59715, 4)
              ) + 0
            ) % cardinality(CAST($2 AS NAME[]))]
          ) AS TEXT)
        ),
        t."author"
      ),
      CONCAT(
        CAST((
          (
            CAST($1 AS NAME[])
          )[1 + (
            (
              get_byte(t.understudy_92d7f1b59715, 0) * 256 + get_byte(t.understudy_92d7f1b59715, 1)
            ) + 0
          ) % cardinality(CAST($1 AS NAME[]))]
        ) AS TEXT),
        ' ',
        CAST((
          (
            CAST($2 AS NAME[])
          )[1 + (
            (
              get_byte(t.understudy_92d7f1b59715, 3) * 256 + get_byte(t.understudy_92d7f1b59715, 4)
            ) + 1
          ) % cardinality(CAST($2 AS NAME[]))]
        ) AS TEXT)
      )
    )
  END
FROM (
  SELECT
    t.*,
    SHA256(CAST($3 AS BYTEA) || SHA256(CAST($4 AS BYTEA) || convert_to(t."author", 'UTF8'))) AS understudy_92d7f1b59715
  FROM ONLY "public"."visit_2024" AS t
  OFFSET 0
) AS t;
