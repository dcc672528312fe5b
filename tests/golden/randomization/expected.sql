-- public.invoice (id, who, day, net, tax, total, is_test): treated
-- $1: factor:invoice
-- $2: opad:quasi_identifier
-- $3: ipad:quasi_identifier
-- $4: opad:scale:invoice
-- $5: ipad:scale:invoice
SELECT
  t."id",
  t."who",
  CASE
    WHEN t.understudy_exempt OR t."day" IS NULL
    THEN t."day"
    ELSE CASE
      WHEN t."day" >= '0011-01-01' AND t."day" < '9990-01-01'
      THEN t."day" + CAST((
        (
          (
            1 + (
              get_byte(t.understudy_f6fc29b43854, 0) * 65536 + get_byte(t.understudy_f6fc29b43854, 1) * 256 + get_byte(t.understudy_f6fc29b43854, 2)
            ) % 30
          )
        ) * (
          1 - 2 * (
            get_byte(t.understudy_f6fc29b43854, 3) % 2
          )
        )
      ) AS INT)
      ELSE t."day"
    END
  END,
  CASE
    WHEN t.understudy_exempt OR t."net" IS NULL
    THEN t."net"
    ELSE CAST(COALESCE(
      ROUND(t.understudy_35d95ceb348f * t.understudy_d41676c98fe7, (
        2
      )) - ROUND(
        t.understudy_35d95ceb348f * (
          t.understudy_d41676c98fe7 - t.understudy_0dbe606c373e
        ),
        (
          2
        )
      ),
      CAST(t."net" AS DECIMAL)
    ) AS DECIMAL)
  END,
  CASE
    WHEN t.understudy_exempt OR t."tax" IS NULL
    THEN t."tax"
    ELSE CAST(COALESCE(
      ROUND(t.understudy_35d95ceb348f * t.understudy_a6e5c421f54c, (
        2
      )) - ROUND(
        t.understudy_35d95ceb348f * (
          t.understudy_a6e5c421f54c - t.understudy_165c70b1f213
        ),
        (
          2
        )
      ),
      CAST(t."tax" AS DECIMAL)
    ) AS DECIMAL)
  END,
  CASE
    WHEN t.understudy_exempt OR t."total" IS NULL
    THEN t."total"
    ELSE CAST(LEAST(
      GREATEST(
        trim_scale(
          ROUND(
            0 + COALESCE(
              NULLIF(
                CAST(CASE
                  WHEN t.understudy_exempt OR t."net" IS NULL
                  THEN t."net"
                  ELSE CAST(COALESCE(
                    ROUND(t.understudy_35d95ceb348f * t.understudy_d41676c98fe7, (
                      2
                    )) - ROUND(
                      t.understudy_35d95ceb348f * (
                        t.understudy_d41676c98fe7 - t.understudy_0dbe606c373e
                      ),
                      (
                        2
                      )
                    ),
                    CAST(t."net" AS DECIMAL)
                  ) AS DECIMAL)
                END AS DECIMAL),
                'NaN'
              ),
              0
            ) + COALESCE(
              NULLIF(
                CAST(CASE
                  WHEN t.understudy_exempt OR t."tax" IS NULL
                  THEN t."tax"
                  ELSE CAST(COALESCE(
                    ROUND(t.understudy_35d95ceb348f * t.understudy_a6e5c421f54c, (
                      2
                    )) - ROUND(
                      t.understudy_35d95ceb348f * (
                        t.understudy_a6e5c421f54c - t.understudy_165c70b1f213
                      ),
                      (
                        2
                      )
                    ),
                    CAST(t."tax" AS DECIMAL)
                  ) AS DECIMAL)
                END AS DECIMAL),
                'NaN'
              ),
              0
            ),
            2
          )
        ),
        -CAST('999999999999e-2' AS DECIMAL)
      ),
      CAST('999999999999e-2' AS DECIMAL)
    ) AS DECIMAL)
  END,
  t."is_test"
FROM (
  SELECT
    t.*,
    (
      CAST($1 AS DECIMAL) * (
        1 - CAST('0.05' AS DECIMAL) * (
          get_byte(t.understudy_b0f26acd501a, 0) * 65536 + get_byte(t.understudy_b0f26acd501a, 1) * 256 + get_byte(t.understudy_b0f26acd501a, 2)
        ) / 16777216
      )
    ) AS understudy_35d95ceb348f,
    SUM(t.understudy_0dbe606c373e) OVER (
      PARTITION BY t.understudy_b0f26acd501a, t.understudy_exempt
      ORDER BY t.understudy_0dbe606c373e < 0, t.understudy_0dbe606c373e, t.understudy_place
      ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
    ) AS understudy_d41676c98fe7,
    SUM(t.understudy_165c70b1f213) OVER (
      PARTITION BY t.understudy_b0f26acd501a, t.understudy_exempt
      ORDER BY t.understudy_165c70b1f213 < 0, t.understudy_165c70b1f213, t.understudy_place
      ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
    ) AS understudy_a6e5c421f54c
  FROM (
    SELECT
      t.*,
      COALESCE((
        t."is_test"
      ), FALSE) AS understudy_exempt,
      SHA256(
        CAST($2 AS BYTEA) || SHA256(
          CAST($3 AS BYTEA) || convert_to(COALESCE(CAST(t."who" AS TEXT), CAST(t."day" AS TEXT)), 'UTF8')
        )
      ) AS understudy_f6fc29b43854,
      SHA256(
        CAST($4 AS BYTEA) || SHA256(CAST($5 AS BYTEA) || convert_to(CAST(ROW(CAST(t."id" AS TEXT)) AS TEXT), 'UTF8'))
      ) AS understudy_b0f26acd501a,
      CASE
        WHEN ABS(CAST(t."net" AS DECIMAL)) < 'Infinity'
        THEN CAST(t."net" AS DECIMAL)
        ELSE NULL
      END AS understudy_0dbe606c373e,
      t.ctid AS understudy_place,
      CASE
        WHEN ABS(CAST(t."tax" AS DECIMAL)) < 'Infinity'
        THEN CAST(t."tax" AS DECIMAL)
        ELSE NULL
      END AS understudy_165c70b1f213
    FROM ONLY "public"."invoice" AS t
    OFFSET 0
  ) AS t
  ORDER BY
    t.understudy_place
  OFFSET 0
) AS t;

-- public.line (invoice_id, side, amount, weight, code): treated
-- $1: factor:invoice
-- $2: opad:scale:invoice
-- $3: ipad:scale:invoice
-- $4: opad:sensitive_attribute
-- $5: ipad:sensitive_attribute
-- $6: opad:permutation:sensitive_attribute:code
-- $7: ipad:permutation:sensitive_attribute:code
SELECT
  t."invoice_id",
  t."side",
  CASE
    WHEN t."amount" IS NULL
    THEN t."amount"
    ELSE CAST(COALESCE(
      ROUND(t.understudy_d6ede658e857 * t.understudy_b93bdd4aaba2, (
        2
      )) - ROUND(
        t.understudy_d6ede658e857 * (
          t.understudy_b93bdd4aaba2 - t.understudy_da7885359e1e
        ),
        (
          2
        )
      ),
      CAST(t."amount" AS DECIMAL)
    ) AS DECIMAL)
  END,
  CASE
    WHEN t."weight" IS NULL
    THEN t."weight"
    ELSE CAST(CASE
      WHEN ABS(CAST(t."weight" AS DECIMAL)) < 'Infinity'
      THEN (
        SELECT
          ROUND(
            SIGN(n.v) * CASE
              WHEN n.u + n.m BETWEEN 1 AND CAST('1.79E+308' AS DECIMAL)
              THEN n.u + n.m
              ELSE n.u - n.m
            END / n.p,
            n.d
          )
        FROM (
          SELECT
            w.*,
            (
              1 - 2 * (
                get_byte(t.understudy_52e91ce4db25, 6) % 2
              )
            ) * (
              1 + DIV(
                (
                  CAST((
                    get_byte(t.understudy_52e91ce4db25, 0) * 65536 + get_byte(t.understudy_52e91ce4db25, 1) * 256 + get_byte(t.understudy_52e91ce4db25, 2)
                  ) AS BIGINT) * 16777216 + (
                    get_byte(t.understudy_52e91ce4db25, 3) * 65536 + get_byte(t.understudy_52e91ce4db25, 4) * 256 + get_byte(t.understudy_52e91ce4db25, 5)
                  )
                ) * GREATEST(FLOOR(w.u * CAST('0.1' AS DECIMAL)), 1),
                281474976710656
              )
            ) AS m
          FROM (
            SELECT
              p.*,
              ROUND(ABS(p.v) * p.p) AS u
            FROM (
              SELECT
                v.v,
                LEAST(COALESCE(scale(v.v), 0), 307) AS d,
                trim_scale(POWER(CAST(10 AS DECIMAL), LEAST(COALESCE(scale(v.v), 0), 307))) AS p
              FROM (
                SELECT
                  CAST(t."weight" AS DECIMAL) AS v
                OFFSET 0
              ) AS v
              OFFSET 0
            ) AS p
            OFFSET 0
          ) AS w
          OFFSET 0
        ) AS n
      )
      ELSE CAST(t."weight" AS DECIMAL)
    END AS DOUBLE PRECISION)
  END,
  CASE
    WHEN t."code" IS NULL OR t."code" = ''
    THEN t."code"
    ELSE t.understudy_e292dcecfc82
  END
FROM (
  SELECT
    t.*,
    (
      CAST($1 AS DECIMAL) * (
        1 - CAST('0.05' AS DECIMAL) * (
          get_byte(t.understudy_2b8b7f328c38, 0) * 65536 + get_byte(t.understudy_2b8b7f328c38, 1) * 256 + get_byte(t.understudy_2b8b7f328c38, 2)
        ) / 16777216
      )
    ) AS understudy_d6ede658e857,
    SUM(t.understudy_da7885359e1e) OVER (
      PARTITION BY t.understudy_2b8b7f328c38, CAST(t."side" AS TEXT)
      ORDER BY t.understudy_da7885359e1e < 0, t.understudy_da7885359e1e, t.understudy_place
      ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW
    ) AS understudy_b93bdd4aaba2,
    COALESCE(
      LEAD(t."code") OVER (
        PARTITION BY (
          t."code" IS NULL OR t."code" = ''
        ), CAST(t."side" AS TEXT) COLLATE "C"
        ORDER BY t.understudy_6fcf63ee8bfc, t.understudy_place
      ),
      FIRST_VALUE(t."code") OVER (
        PARTITION BY (
          t."code" IS NULL OR t."code" = ''
        ), CAST(t."side" AS TEXT) COLLATE "C"
        ORDER BY t.understudy_6fcf63ee8bfc, t.understudy_place
      )
    ) AS understudy_e292dcecfc82
  FROM (
    SELECT
      t.*,
      SHA256(
        CAST($2 AS BYTEA) || SHA256(
          CAST($3 AS BYTEA) || convert_to(CAST(ROW(CAST(t."invoice_id" AS TEXT)) AS TEXT), 'UTF8')
        )
      ) AS understudy_2b8b7f328c38,
      CASE
        WHEN ABS(CAST(t."amount" AS DECIMAL)) < 'Infinity'
        THEN CAST(t."amount" AS DECIMAL)
        ELSE NULL
      END AS understudy_da7885359e1e,
      t.ctid AS understudy_place,
      SHA256(
        CAST($4 AS BYTEA) || SHA256(
          CAST($5 AS BYTEA) || convert_to(CAST(trim_scale(CAST(t."weight" AS DECIMAL)) AS TEXT), 'UTF8')
        )
      ) AS understudy_52e91ce4db25,
      SHA256(
        CAST($6 AS BYTEA) || SHA256(CAST($7 AS BYTEA) || convert_to(CONCAT(t."tableoid", t."ctid"), 'UTF8'))
      ) AS understudy_6fcf63ee8bfc
    FROM ONLY "public"."line" AS t
    OFFSET 0
  ) AS t
  ORDER BY
    t.understudy_place
  OFFSET 0
) AS t;
