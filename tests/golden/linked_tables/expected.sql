-- mapping understudy.map_mrn_7c4164da of domain mrn
-- $1: start:mrn
-- $2: opad:mrn
-- $3: ipad:mrn
WITH source AS (
  SELECT
    v COLLATE "C" AS v,
    BOOL_OR(exempt) AS exempt
  FROM (
    SELECT
      CAST(t."mrn" AS TEXT),
      COALESCE(
        EXISTS(
          SELECT
            1
          FROM "public"."patient" AS t_
          WHERE
            t_."mrn" = t."mrn" AND (
              t_."is_test" AND t_."id" < 100
            )
        ),
        FALSE
      )
    FROM "public"."card" AS t
    UNION ALL
    SELECT
      CAST(t."mrn" AS TEXT),
      COALESCE((
        t."is_test" AND t."id" < 100
      ), FALSE)
    FROM "public"."patient" AS t
  ) AS s(v, exempt)
  WHERE
    v <> ''
  GROUP BY
    1
), written AS (
  SELECT
    v,
    exempt,
    CASE
      WHEN TRANSLATE(v, '0123456789', '') <> v
      THEN TRANSLATE(v, '123456789', '000000000')
      ELSE TRANSLATE(
        REGEXP_REPLACE(v, '[^ -~]', 'a', 'g'),
        'BCDEFGHIJKLMNOPQRSTUVWXYZbcdefghijklmnopqrstuvwxyz',
        'AAAAAAAAAAAAAAAAAAAAAAAAAaaaaaaaaaaaaaaaaaaaaaaaaa'
      )
    END AS shape,
    CASE
      WHEN TRANSLATE(v, '0123456789', '') <> v
      THEN CAST(TRANSLATE(v, TRANSLATE(v, '0123456789', ''), '') AS DECIMAL)
      ELSE CASE
        WHEN v ~ '^[ -~]*[A-Za-z][ -~]*$'
        THEN (
          SELECT
            SUM((
              ASCII(UPPER(c)) - 65
            ) * POWER(CAST(26 AS DECIMAL), (
              max_nth - nth
            )))
          FROM (
            SELECT
              *,
              MAX(nth) OVER () AS max_nth
            FROM (
              SELECT
                c,
                i,
                COUNT(*) FILTER(WHERE
                  c ~ '[A-Za-z]') OVER (ORDER BY i) AS nth
              FROM UNNEST(STRING_TO_ARRAY(v, NULL)) WITH ORDINALITY AS u(c, i)
            ) AS d
          ) AS l
          WHERE
            c ~ '[A-Za-z]'
        )
      END
    END AS number
  FROM source
), shapes AS MATERIALIZED (
  SELECT DISTINCT
    shape
  FROM written
), frame AS (
  SELECT
    ROW_NUMBER() OVER () AS id,
    shape,
    width,
    radix,
    low,
    POWER(CAST(radix AS DECIMAL), width) AS high,
    CONCAT(
      'FM',
      REGEXP_REPLACE(REPLACE(REPLACE(shape, '\', '\\'), '"', '\"'), '([^0]+)', '"\1"', 'g')
    ) AS picture
  FROM (
    SELECT
      shape,
      width,
      radix,
      0 AS low
    FROM (
      SELECT
        shape,
        CASE WHEN POSITION('0' IN shape) > 0 THEN 10 ELSE 26 END AS radix,
        LENGTH(shape) - LENGTH(
          TRANSLATE(shape, '0' || CASE WHEN POSITION('0' IN shape) > 0 THEN '' ELSE 'Aa' END, '')
        ) AS width
      FROM shapes
    ) AS w
    WHERE
      width > 0 AND radix > 0
  ) AS f
), framed AS (
  SELECT
    v,
    exempt,
    id,
    CASE WHEN number >= low AND number < high THEN number - low END AS number
  FROM written
  LEFT JOIN frame
    USING (shape)
), room AS (
  SELECT
    id,
    wanted,
    free,
    FLOOR(GREATEST(free - wanted - 0, 0) * CAST($1 AS DECIMAL)) AS first
  FROM (
    SELECT
      id,
      COUNT(*) FILTER(WHERE
        NOT exempt) AS wanted,
      MAX(high - low) - COUNT(number) AS free
    FROM framed
    JOIN frame
      USING (id)
    GROUP BY
      id
  ) AS r
), placed AS (
  SELECT
    v,
    id,
    ROW_NUMBER() OVER (
      PARTITION BY id
      ORDER BY SHA256(CAST($2 AS BYTEA) || SHA256(CAST($3 AS BYTEA) || convert_to(v, 'UTF8')))
    ) - 1 AS place
  FROM framed
  WHERE
    NOT exempt AND id IS NOT NULL
), numbered AS (
  SELECT
    v,
    id,
    at + COUNT(*) FILTER(WHERE
      v IS NULL) OVER (
      PARTITION BY id
      ORDER BY at, v IS NOT NULL
      ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
    ) AS number
  FROM (
    SELECT
      CAST(NULL AS TEXT) AS v,
      id,
      number - ROW_NUMBER() OVER (PARTITION BY id ORDER BY number) + 1 AS at
    FROM framed
    WHERE
      number IS NOT NULL
    UNION ALL
    SELECT
      v,
      id,
      first + place
    FROM placed
    JOIN room
      USING (id)
    WHERE
      free >= wanted
  ) AS m
)
SELECT
  v AS original,
  v AS replacement
FROM framed
WHERE
  exempt OR id IS NULL
UNION ALL
SELECT
  v,
  CASE
    WHEN radix = 10
    THEN TO_CHAR(number, picture)
    ELSE (
      SELECT
        STRING_AGG(
          
            CASE
              WHEN c ~ '[A-Za-z]'
              THEN CHR(
                  ASCII(c) + CAST((
                    DIV(number, POWER(CAST(26 AS DECIMAL), (
                      width - nth
                    ))) % 26
                  ) AS INT)
              )
              ELSE c
            END,
            ''
          
          ORDER BY
            i
        )
      FROM (
        SELECT
          c,
          i,
          COUNT(*) FILTER(WHERE
            c ~ '[A-Za-z]') OVER (ORDER BY i) AS nth
        FROM UNNEST(STRING_TO_ARRAY(shape, NULL)) WITH ORDINALITY AS u(c, i)
      ) AS d
    )
  END
FROM (
  SELECT
    v,
    shape,
    width,
    radix,
    picture,
    low + number AS number
  FROM numbered
  JOIN frame
    USING (id)
  WHERE
    v IS NOT NULL
) AS r
UNION ALL
SELECT
  p.v,
  q.v
FROM room
JOIN placed AS p
  USING (id)
JOIN placed AS q
  ON q.id = p.id AND q.place = (
    p.place + 1
  ) % room.wanted
WHERE
  room.free < room.wanted;

-- mapping understudy.map_ssn_55556e4d of domain ssn
-- $1: start:ssn
-- $2: opad:ssn
-- $3: ipad:ssn
WITH source AS (
  SELECT
    v COLLATE "C" AS v,
    BOOL_OR(exempt) AS exempt
  FROM (
    SELECT
      CAST(t."ssn" AS TEXT),
      COALESCE((
        t."is_test" AND t."id" < 100
      ), FALSE)
    FROM "public"."patient" AS t
  ) AS s(v, exempt)
  WHERE
    v <> ''
  GROUP BY
    1
), written AS (
  SELECT
    v,
    exempt,
    CASE
      WHEN TRANSLATE(v, '123456789', '000000000') IN ('000-00-0000', '000000000', '000 00 0000')
      THEN TRANSLATE(v, '123456789', '000000000')
      ELSE '000000000'
    END AS shape,
    CASE
      WHEN v LIKE '666%'
      AND TRANSLATE(v, '123456789', '000000000') IN ('000-00-0000', '000000000', '000 00 0000')
      THEN CAST(TRANSLATE(v, TRANSLATE(v, '0123456789', ''), '') AS DECIMAL) - 666000000
      WHEN v LIKE '000%'
      AND TRANSLATE(v, '123456789', '000000000') IN ('000-00-0000', '000000000', '000 00 0000')
      THEN CAST(TRANSLATE(v, TRANSLATE(v, '0123456789', ''), '') AS DECIMAL) + 1000000
      WHEN v LIKE '9%'
      AND TRANSLATE(v, '123456789', '000000000') IN ('000-00-0000', '000000000', '000 00 0000')
      AND CAST(TRANSLATE(v, TRANSLATE(v, '0123456789', ''), '') AS DECIMAL) % 1000000 < 500000
      THEN 2000000 + DIV(
        CAST(TRANSLATE(v, TRANSLATE(v, '0123456789', ''), '') AS DECIMAL) - 900000000,
        1000000
      ) * 500000 + CAST(TRANSLATE(v, TRANSLATE(v, '0123456789', ''), '') AS DECIMAL) % 1000000
    END AS number
  FROM source
), shapes AS MATERIALIZED (
  SELECT DISTINCT
    shape
  FROM written
), frame AS (
  SELECT
    ROW_NUMBER() OVER () AS id,
    shape,
    width,
    radix,
    low,
    52000000 AS high,
    CONCAT(
      'FM',
      REGEXP_REPLACE(REPLACE(REPLACE(shape, '\', '\\'), '"', '\"'), '([^0]+)', '"\1"', 'g')
    ) AS picture
  FROM (
    SELECT
      shape,
      width,
      radix,
      0 AS low
    FROM (
      SELECT
        shape,
        CASE WHEN POSITION('0' IN shape) > 0 THEN 10 ELSE 0 END AS radix,
        LENGTH(shape) - LENGTH(
          TRANSLATE(shape, '0' || CASE WHEN POSITION('0' IN shape) > 0 THEN '' ELSE 'Aa' END, '')
        ) AS width
      FROM shapes
    ) AS w
    WHERE
      width > 0 AND radix > 0
  ) AS f
), framed AS (
  SELECT
    v,
    exempt,
    id,
    CASE WHEN number >= low AND number < high THEN number - low END AS number
  FROM written
  LEFT JOIN frame
    USING (shape)
), room AS (
  SELECT
    id,
    wanted,
    free,
    FLOOR(GREATEST(free - wanted - 51000000, 0) * CAST($1 AS DECIMAL)) AS first
  FROM (
    SELECT
      id,
      COUNT(*) FILTER(WHERE
        NOT exempt) AS wanted,
      MAX(high - low) - COUNT(number) AS free
    FROM framed
    JOIN frame
      USING (id)
    GROUP BY
      id
  ) AS r
), placed AS (
  SELECT
    v,
    id,
    ROW_NUMBER() OVER (
      PARTITION BY id
      ORDER BY SHA256(CAST($2 AS BYTEA) || SHA256(CAST($3 AS BYTEA) || convert_to(v, 'UTF8')))
    ) - 1 AS place
  FROM framed
  WHERE
    NOT exempt AND id IS NOT NULL
), numbered AS (
  SELECT
    v,
    id,
    at + COUNT(*) FILTER(WHERE
      v IS NULL) OVER (
      PARTITION BY id
      ORDER BY at, v IS NOT NULL
      ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
    ) AS number
  FROM (
    SELECT
      CAST(NULL AS TEXT) AS v,
      id,
      number - ROW_NUMBER() OVER (PARTITION BY id ORDER BY number) + 1 AS at
    FROM framed
    WHERE
      number IS NOT NULL
    UNION ALL
    SELECT
      v,
      id,
      first + place
    FROM placed
    JOIN room
      USING (id)
    WHERE
      free >= wanted
  ) AS m
)
SELECT
  v AS original,
  v AS replacement
FROM framed
WHERE
  exempt OR id IS NULL
UNION ALL
SELECT
  v,
  CASE
    WHEN radix = 10
    THEN TO_CHAR(
      CASE
        WHEN number < 1000000
        THEN 666000000 + number
        WHEN number < 2000000
        THEN number - 1000000
        ELSE 900000000 + DIV(number - 2000000, 500000) * 1000000 + (
          number - 2000000
        ) % 500000
      END,
      picture
    )
    ELSE (
      SELECT
        STRING_AGG(
          
            CASE
              WHEN c ~ '[A-Za-z]'
              THEN CHR(
                  ASCII(c) + CAST((
                    DIV(number, POWER(CAST(26 AS DECIMAL), (
                      width - nth
                    ))) % 26
                  ) AS INT)
              )
              ELSE c
            END,
            ''
          
          ORDER BY
            i
        )
      FROM (
        SELECT
          c,
          i,
          COUNT(*) FILTER(WHERE
            c ~ '[A-Za-z]') OVER (ORDER BY i) AS nth
        FROM UNNEST(STRING_TO_ARRAY(shape, NULL)) WITH ORDINALITY AS u(c, i)
      ) AS d
    )
  END
FROM (
  SELECT
    v,
    shape,
    width,
    radix,
    picture,
    low + number AS number
  FROM numbered
  JOIN frame
    USING (id)
  WHERE
    v IS NOT NULL
) AS r
UNION ALL
SELECT
  p.v,
  CAST(NULL AS TEXT)
FROM room
JOIN placed AS p
  USING (id)
JOIN placed AS q
  ON q.id = p.id AND q.place = (
    p.place + 1
  ) % room.wanted
WHERE
  room.free < room.wanted;

-- public.card (mrn, member): treated
-- $1: opad:health_plan_id
-- $2: ipad:health_plan_id
SELECT
  CASE
    WHEN t.understudy_exempt OR t."mrn" IS NULL OR t."mrn" = ''
    THEN t."mrn"
    ELSE m_2dabc4aec089.replacement
  END,
  CASE
    WHEN t.understudy_exempt OR t."member" IS NULL OR t."member" = ''
    THEN t."member"
    ELSE CONCAT('u', LEFT(ENCODE(t.understudy_1abc028d6101, 'hex'), 20))
  END
FROM (
  SELECT
    t.*,
    COALESCE(
      EXISTS(
        SELECT
          1
        FROM "public"."patient" AS t_
        WHERE
          t_."mrn" = t."mrn" AND (
            t_."is_test" AND t_."id" < 100
          )
      ),
      FALSE
    ) AS understudy_exempt,
    SHA256(CAST($1 AS BYTEA) || SHA256(CAST($2 AS BYTEA) || convert_to(t."member", 'UTF8'))) AS understudy_1abc028d6101,
    t.ctid AS understudy_place
  FROM ONLY "public"."card" AS t
  OFFSET 0
) AS t
LEFT JOIN "understudy"."map_mrn_7c4164da" AS m_2dabc4aec089
  ON m_2dabc4aec089.original = (
    CAST(t."mrn" AS TEXT)
  ) COLLATE "C"
ORDER BY
  t.understudy_place;

-- public.patient (id, mrn, ssn, is_test): treated
SELECT
  t."id",
  CASE
    WHEN t.understudy_exempt OR t."mrn" IS NULL OR t."mrn" = ''
    THEN t."mrn"
    ELSE m_2dabc4aec089.replacement
  END,
  CASE
    WHEN t.understudy_exempt OR t."ssn" IS NULL OR t."ssn" = ''
    THEN t."ssn"
    ELSE m_bbe87daba32e.replacement
  END,
  t."is_test"
FROM (
  SELECT
    t.*,
    COALESCE((
      t."is_test" AND t."id" < 100
    ), FALSE) AS understudy_exempt
  FROM ONLY "public"."patient" AS t
  OFFSET 0
) AS t
LEFT JOIN "understudy"."map_mrn_7c4164da" AS m_2dabc4aec089
  ON m_2dabc4aec089.original = (
    CAST(t."mrn" AS TEXT)
  ) COLLATE "C"
LEFT JOIN "understudy"."map_ssn_55556e4d" AS m_bbe87daba32e
  ON m_bbe87daba32e.original = (
    CAST(t."ssn" AS TEXT)
  ) COLLATE "C";
