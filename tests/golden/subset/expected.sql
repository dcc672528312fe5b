-- public.Session: no row arrives
-- public.click: no row that refers to a dropped one of public.person; session NULL where the row referred to is dropped
-- public.person: a keyed share of 10 % of the rows, and rows that chosen rows refer to
-- public.product: rows that kept rows of public.visit refer to
-- public.visit: no row that refers to a dropped one of public.person
-- rows understudy.rows_public_person_61bd6a9b
-- $1: opad:rows public.person
-- $2: ipad:rows public.person
INSERT INTO "understudy"."rows_public_person_61bd6a9b"
SELECT
  n.heap,
  n.place
FROM (
  SELECT
    t.tableoid,
    t.ctid
  FROM ONLY "public"."person" AS t
  WHERE
    (
      SHA256(
        CAST($1 AS BYTEA) || SHA256(CAST($2 AS BYTEA) || convert_to(CAST(ROW(t."id") AS TEXT), 'UTF8'))
      ) < CAST('\x1999999999999a00' AS BYTEA)
      OR (
        t."id" = 20
      )
    )
) AS n(heap, place)
WHERE
  NOT EXISTS(
    SELECT
      1
    FROM "understudy"."rows_public_person_61bd6a9b" AS k
    WHERE
      k.heap = n.heap AND k.place = n.place
  );

-- rows understudy.rows_public_person_61bd6a9b
INSERT INTO "understudy"."rows_public_person_61bd6a9b"
SELECT
  n.heap,
  n.place
FROM (
  WITH RECURSIVE found(heap, place) AS (
    SELECT
      k.heap,
      k.place
    FROM "understudy"."rows_public_person_61bd6a9b" AS k
    UNION
    SELECT
      p.tableoid,
      p.ctid
    FROM found AS f
    JOIN ONLY "public"."person" AS c
      ON c.tableoid = f.heap AND c.ctid = f.place
    JOIN ONLY "public"."person" AS p
      ON (
        p."id" = c."mentor"
      )
  )
  SELECT
    *
  FROM found
) AS n(heap, place)
WHERE
  NOT EXISTS(
    SELECT
      1
    FROM "understudy"."rows_public_person_61bd6a9b" AS k
    WHERE
      k.heap = n.heap AND k.place = n.place
  );

-- rows understudy.gone_public_visit_140696a8
INSERT INTO "understudy"."gone_public_visit_140696a8"
SELECT
  n.heap,
  n.place
FROM (
  SELECT
    c.tableoid,
    c.ctid
  FROM "public"."visit" AS c
  WHERE
    EXISTS(
      SELECT
        1
      FROM ONLY "public"."person" AS p
      WHERE
        (
          p."id" = c."person"
        )
        AND NOT EXISTS(
          SELECT
            1
          FROM "understudy"."rows_public_person_61bd6a9b" AS k
          WHERE
            k.heap = p.tableoid AND k.place = p.ctid
        )
    )
) AS n(heap, place)
WHERE
  NOT EXISTS(
    SELECT
      1
    FROM "understudy"."gone_public_visit_140696a8" AS k
    WHERE
      k.heap = n.heap AND k.place = n.place
  );

-- rows understudy.gone_public_click_8e0e5712
INSERT INTO "understudy"."gone_public_click_8e0e5712"
SELECT
  n.heap,
  n.place
FROM (
  SELECT
    c.tableoid,
    c.ctid
  FROM ONLY "public"."click" AS c
  WHERE
    EXISTS(
      SELECT
        1
      FROM ONLY "public"."person" AS p
      WHERE
        (
          p."id" = c."person"
        )
        AND NOT EXISTS(
          SELECT
            1
          FROM "understudy"."rows_public_person_61bd6a9b" AS k
          WHERE
            k.heap = p.tableoid AND k.place = p.ctid
        )
    )
) AS n(heap, place)
WHERE
  NOT EXISTS(
    SELECT
      1
    FROM "understudy"."gone_public_click_8e0e5712" AS k
    WHERE
      k.heap = n.heap AND k.place = n.place
  );

-- rows understudy.rows_public_product_f5ba9791
INSERT INTO "understudy"."rows_public_product_f5ba9791"
SELECT
  n.heap,
  n.place
FROM (
  SELECT
    p.tableoid,
    p.ctid
  FROM ONLY "public"."product" AS p
  WHERE
    EXISTS(
      SELECT
        1
      FROM "public"."visit" AS c
      WHERE
        (
          p."id" = c."product"
        )
        AND NOT EXISTS(
          SELECT
            1
          FROM "understudy"."gone_public_visit_140696a8" AS k
          WHERE
            k.heap = c.tableoid AND k.place = c.ctid
        )
    )
) AS n(heap, place)
WHERE
  NOT EXISTS(
    SELECT
      1
    FROM "understudy"."rows_public_product_f5ba9791" AS k
    WHERE
      k.heap = n.heap AND k.place = n.place
  );

-- rows understudy.gaps_public_click_click_session_fkey_882dabc5
INSERT INTO "understudy"."gaps_public_click_click_session_fkey_882dabc5"
SELECT
  n.heap,
  n.place
FROM (
  SELECT
    c.tableoid,
    c.ctid
  FROM ONLY "public"."click" AS c
  WHERE
    EXISTS(
      SELECT
        1
      FROM ONLY "public"."Session" AS p
      WHERE
        (
          p."id" = c."session"
        ) AND NOT FALSE
    )
) AS n(heap, place)
WHERE
  NOT EXISTS(
    SELECT
      1
    FROM "understudy"."gaps_public_click_click_session_fkey_882dabc5" AS k
    WHERE
      k.heap = n.heap AND k.place = n.place
  );

-- public.Session (id, token): treated
SELECT
  t."id",
  NULL
FROM ONLY "public"."Session" AS t
WHERE
  FALSE;

-- public.click (session, person, at): dropped rows
SELECT
  CASE WHEN t.understudy_gap_0 THEN NULL ELSE t."session" END,
  t."person",
  t."at"
FROM (
  SELECT
    t.*,
    EXISTS(
      SELECT
        1
      FROM "understudy"."gaps_public_click_click_session_fkey_882dabc5" AS k
      WHERE
        k.heap = CAST('"public"."click"' AS REGCLASS) AND k.place = t.ctid
    ) AS understudy_gap_0,
    t.ctid AS understudy_place
  FROM ONLY "public"."click" AS t
  WHERE
    NOT EXISTS(
      SELECT
        1
      FROM "understudy"."gone_public_click_8e0e5712" AS k
      WHERE
        k.heap = CAST('"public"."click"' AS REGCLASS) AND k.place = t.ctid
    )
  OFFSET 0
) AS t
ORDER BY
  t.understudy_place;

-- public.person (id, mentor, email): treated
-- $1: opad:email
-- $2: ipad:email
SELECT
  t."id",
  t."mentor",
  CASE
    WHEN t.understudy_exempt OR t."email" IS NULL OR t."email" = ''
    THEN t."email"
    ELSE COALESCE(
      NULLIF(
        CONCAT('u', LEFT(ENCODE(t.understudy_367a8d159627, 'hex'), 20), '@example.com'),
        t."email"
      ),
      CONCAT('v', LEFT(ENCODE(t.understudy_367a8d159627, 'hex'), 20), '@example.com')
    )
  END
FROM (
  SELECT
    t.*,
    COALESCE((
      t."id" = 20
    ), FALSE) AS understudy_exempt,
    SHA256(
      CAST($1 AS BYTEA) || SHA256(CAST($2 AS BYTEA) || convert_to(LOWER(t."email"), 'UTF8'))
    ) AS understudy_367a8d159627
  FROM ONLY "public"."person" AS t
  WHERE
    EXISTS(
      SELECT
        1
      FROM "understudy"."rows_public_person_61bd6a9b" AS k
      WHERE
        k.heap = CAST('"public"."person"' AS REGCLASS) AND k.place = t.ctid
    )
  OFFSET 0
) AS t;

-- public.product (id, label): dropped rows
SELECT
  t."id",
  t."label"
FROM ONLY "public"."product" AS t
WHERE
  EXISTS(
    SELECT
      1
    FROM "understudy"."rows_public_product_f5ba9791" AS k
    WHERE
      k.heap = CAST('"public"."product"' AS REGCLASS) AND k.place = t.ctid
  );

-- public.visit_new (id, at, person, product): dropped rows
SELECT
  t."id",
  t."at",
  t."person",
  t."product"
FROM ONLY "public"."visit_new" AS t
WHERE
  NOT EXISTS(
    SELECT
      1
    FROM "understudy"."gone_public_visit_140696a8" AS k
    WHERE
      k.heap = CAST('"public"."visit_new"' AS REGCLASS) AND k.place = t.ctid
  );

-- public.visit_old (id, at, person, product): dropped rows
SELECT
  t."id",
  t."at",
  t."person",
  t."product"
FROM ONLY "public"."visit_old" AS t
WHERE
  NOT EXISTS(
    SELECT
      1
    FROM "understudy"."gone_public_visit_140696a8" AS k
    WHERE
      k.heap = CAST('"public"."visit_old"' AS REGCLASS) AND k.place = t.ctid
  );
