-- public.people (id, born, born_text, birth_year, age, zip, zip_number, income, weight, children, latitude, home, seen): treated
-- $1: as_of
SELECT
  t."id",
  CASE
    WHEN t."born" IS NULL
    THEN t."born"
    ELSE CASE
      WHEN t."born" >= '0010-01-01' AND t."born" < '9990-01-01'
      THEN CAST(DATE_TRUNC(
        'MONTH',
        GREATEST(
          (
            CAST(t."born" AS TIMESTAMP)
          ),
          (
            CAST($1 AS DATE) - MAKE_INTERVAL(years => 90)
          )
        )
      ) AS DATE)
      ELSE t."born"
    END
  END,
  CASE
    WHEN t."born_text" IS NULL OR t."born_text" = ''
    THEN t."born_text"
    ELSE CASE
      WHEN TRANSLATE(LEFT(CAST(t."born_text" AS TEXT), 10), '123456789', '000000000') = '0000-00-00'
      AND TRANSLATE(SUBSTRING(CAST(t."born_text" AS TEXT) FROM 11), '0123456789:.,+- TZ', '') = ''
      AND SUBSTRING(CAST(t."born_text" AS TEXT) FROM 6 FOR 2) BETWEEN '01' AND '12'
      AND SUBSTRING(CAST(t."born_text" AS TEXT) FROM 9 FOR 2) BETWEEN '01' AND '31'
      THEN CONCAT(
        CASE
          WHEN LEFT(CAST(t."born_text" AS TEXT), 4) BETWEEN '0010' AND '9989'
          THEN TO_CHAR(
            DATE_TRUNC(
              'MONTH',
              GREATEST(
                CAST((
                  make_date(
                    CAST(LEFT(CAST(t."born_text" AS TEXT), 4) AS INT),
                    CAST(SUBSTRING(CAST(t."born_text" AS TEXT) FROM 6 FOR 2) AS INT),
                    1
                  ) + (
                    CAST(SUBSTRING(CAST(t."born_text" AS TEXT) FROM 9 FOR 2) AS INT) - 1
                  )
                ) AS TIMESTAMP),
                (
                  CAST($1 AS DATE) - MAKE_INTERVAL(years => 90)
                )
              )
            ),
            'YYYY-MM-DD'
          )
          ELSE LEFT(CAST(t."born_text" AS TEXT), 10)
        END,
        TRANSLATE(SUBSTRING(CAST(t."born_text" AS TEXT) FROM 11), '123456789', '000000000')
      )
      ELSE CASE
        WHEN TRANSLATE(TRIM(TRAILING '+' FROM CAST(t."born_text" AS TEXT)), '0123456789', '') = ''
        AND LENGTH(TRIM(TRAILING '+' FROM CAST(t."born_text" AS TEXT))) BETWEEN 1 AND 18
        THEN CASE
          WHEN (
            CAST(TRIM(TRAILING '+' FROM CAST(t."born_text" AS TEXT)) AS BIGINT)
          ) > 89
          THEN '90+'
          ELSE CAST(t."born_text" AS TEXT)
        END
        ELSE '?'
      END
    END
  END,
  CASE
    WHEN t."birth_year" IS NULL
    THEN t."birth_year"
    ELSE CAST(CASE
      WHEN t."birth_year" BETWEEN 1000 AND 9989
      THEN GREATEST(
        t."birth_year",
        CAST(EXTRACT(YEAR FROM (
          CAST('2024-11-21' AS DATE) - MAKE_INTERVAL(years => 90)
        )) AS INT)
      )
      ELSE t."birth_year"
    END AS SMALLINT)
  END,
  CASE WHEN t."age" IS NULL THEN t."age" ELSE CAST(LEAST(t."age", 90) AS INT) END,
  CASE
    WHEN t."zip" IS NULL OR t."zip" = ''
    THEN t."zip"
    ELSE CASE
      WHEN TRANSLATE(CAST(t."zip" AS TEXT), '123456789', '000000000') IN ('00000', '00000-0000', '000', '000000000', '00000 0000')
      THEN CASE
        WHEN LEFT(CAST(t."zip" AS TEXT), 3) = ANY(
          CAST('{036,059,063,102,203,205,369,556,692,790,821,823,830,831,878,879,884,890,893}' AS TEXT[])
        )
        THEN '000'
        ELSE LEFT(CAST(t."zip" AS TEXT), 3)
      END
      WHEN TRANSLATE(CAST(t."zip" AS TEXT), '123456789', '000000000') IN ('0000', '0000-0000')
      THEN CASE
        WHEN CONCAT('0', LEFT(CAST(t."zip" AS TEXT), 2)) = ANY(
          CAST('{036,059,063,102,203,205,369,556,692,790,821,823,830,831,878,879,884,890,893}' AS TEXT[])
        )
        THEN '000'
        ELSE CONCAT('0', LEFT(CAST(t."zip" AS TEXT), 2))
      END
      ELSE '000'
    END || '00'
  END,
  CASE
    WHEN t."zip_number" IS NULL
    THEN t."zip_number"
    ELSE CAST(CASE
      WHEN (
        CASE
          WHEN t."zip_number" BETWEEN 0 AND 99999
          THEN CAST(t."zip_number" AS INT) / 100
          WHEN t."zip_number" BETWEEN 100000 AND 999999999
          THEN CAST(t."zip_number" AS INT) / 1000000
          ELSE 0
        END
      ) = ANY(
        CAST('{36,59,63,102,203,205,369,556,692,790,821,823,830,831,878,879,884,890,893}' AS INT[])
      )
      THEN 0
      ELSE (
        CASE
          WHEN t."zip_number" BETWEEN 0 AND 99999
          THEN CAST(t."zip_number" AS INT) / 100
          WHEN t."zip_number" BETWEEN 100000 AND 999999999
          THEN CAST(t."zip_number" AS INT) / 1000000
          ELSE 0
        END
      ) * 1
    END AS INT)
  END,
  CASE
    WHEN t."income" IS NULL
    THEN t."income"
    ELSE CAST(t."income" - t."income" % 5000 + CASE
      WHEN 2 * (
        t."income" % 5000
      ) >= 5000 AND t."income" < 995000
      THEN 5000
      WHEN 2 * (
        t."income" % 5000
      ) <= -5000 AND t."income" > -995000
      THEN -5000
      ELSE 0
    END AS DECIMAL)
  END,
  CASE
    WHEN t."weight" IS NULL
    THEN t."weight"
    ELSE CASE
      WHEN ABS(t."weight") < 1e15 * 0.5
      THEN CAST((
        CAST(t."weight" AS DECIMAL)
      ) - (
        CAST(t."weight" AS DECIMAL)
      ) % 0.5 - CASE WHEN (
        CAST(t."weight" AS DECIMAL)
      ) % 0.5 < 0 AND TRUE THEN 0.5 ELSE 0 END AS REAL)
      ELSE t."weight"
    END
  END,
  CASE
    WHEN t."children" IS NULL OR t."children" = ''
    THEN t."children"
    ELSE CASE
      WHEN TRANSLATE(t."children", '0123456789', '') = ''
      AND LENGTH(t."children") BETWEEN 1 AND 18
      THEN CASE
        WHEN (
          CAST(t."children" AS BIGINT)
        ) >= 5
        THEN '5+'
        WHEN (
          CAST(t."children" AS BIGINT)
        ) >= 2
        THEN '2-4'
        WHEN (
          CAST(t."children" AS BIGINT)
        ) >= 1
        THEN '1'
        ELSE '<1'
      END
      ELSE '?'
    END
  END,
  CASE
    WHEN t."latitude" IS NULL
    THEN t."latitude"
    ELSE CAST(CASE
      WHEN t."latitude" BETWEEN -180 AND 180
      THEN (
        CASE WHEN t."latitude" < 0 THEN -1 ELSE 1 END
      ) * (
        GREATEST(CEIL(ABS(CAST(t."latitude" AS DECIMAL)) / 0.5), 1) * 0.5 - 0.25
      )
      ELSE 0
    END AS DOUBLE PRECISION)
  END,
  CASE
    WHEN t."home" IS NULL
    THEN t."home"
    ELSE point(
      CAST(CASE
        WHEN (
          t."home"
        )[0] BETWEEN -180 AND 180
        THEN (
          CASE WHEN (
            t."home"
          )[0] < 0 THEN -1 ELSE 1 END
        ) * (
          GREATEST(CEIL(ABS(CAST((
            t."home"
          )[0] AS DECIMAL)) / 1.0), 1) * 1.0 - 0.5
        )
        ELSE 0
      END AS DOUBLE PRECISION),
      CAST(CASE
        WHEN (
          t."home"
        )[1] BETWEEN -180 AND 180
        THEN (
          CASE WHEN (
            t."home"
          )[1] < 0 THEN -1 ELSE 1 END
        ) * (
          GREATEST(CEIL(ABS(CAST((
            t."home"
          )[1] AS DECIMAL)) / 1.0), 1) * 1.0 - 0.5
        )
        ELSE 0
      END AS DOUBLE PRECISION)
    )
  END,
  CASE
    WHEN t."seen" IS NULL
    THEN t."seen"
    ELSE (
      SELECT
        CASE
          WHEN array_ndims(t."seen") > 1 OR array_lower(t."seen", 1) <> 1
          THEN CAST(CONCAT(
            array_dims(t."seen"),
            '=',
            (
              WITH RECURSIVE inside(level, size) AS (
                SELECT
                  array_ndims(t."seen"),
                  1
                UNION ALL
                SELECT
                  level - 1,
                  size * ARRAY_LENGTH(t."seen", level)
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
                            level < array_ndims(t."seen") AND (
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
                            level < array_ndims(t."seen") AND n % size = 0
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
          ) AS TIMESTAMPTZ[])
          ELSE a.flat
        END
      FROM (
        SELECT
          CAST(ARRAY(SELECT
            CASE
              WHEN u."e" IS NULL
              THEN u."e"
              ELSE CASE
                WHEN u."e" >= '0010-01-01' AND u."e" < '9990-01-01'
                THEN (
                  DATE_TRUNC('MONTH', (
                    u."e" AT TIME ZONE 'UTC'
                  )) AT TIME ZONE 'UTC'
                )
                ELSE u."e"
              END
            END
          FROM (
            SELECT
              UNNEST(t."seen") AS e
          ) AS u) AS TIMESTAMPTZ[]) AS flat
        OFFSET 0
      ) AS a
    )
  END
FROM ONLY "public"."people" AS t;
