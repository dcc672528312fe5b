-- public.members (id, ssn, npi, mbi, iban, card, vin, imei, plate, passport, device, mac, network, address, fax, first, last, email, town, state): treated
-- $1: pool:first_name:63
-- $2: pool:last_name:63
-- $3: ascii_pool:first_name:16
-- $4: ascii_pool:last_name:16
-- $5: pool:city:40
-- $6: pool:state_abbr:2
-- $7: pool:state:63
-- $8: opad:ssn
-- $9: ipad:ssn
-- $10: opad:npi
-- $11: ipad:npi
-- $12: opad:mbi
-- $13: ipad:mbi
-- $14: opad:iban
-- $15: ipad:iban
-- $16: opad:card
-- $17: ipad:card
-- $18: opad:vin
-- $19: ipad:vin
-- $20: opad:imei
-- $21: ipad:imei
-- $22: opad:license_plate
-- $23: ipad:license_plate
-- $24: opad:passport
-- $25: ipad:passport
-- $26: opad:uuid
-- $27: ipad:uuid
-- $28: opad:mac
-- $29: ipad:mac
-- $30: opad:ip
-- $31: ipad:ip
-- $32: opad:ipv4
-- $33: ipad:ipv4
-- $34: opad:fax
-- $35: ipad:fax
-- $36: opad:first_name
-- $37: ipad:first_name
-- $38: opad:last_name
-- $39: ipad:last_name
-- $40: opad:email
-- $41: ipad:email
-- $42: opad:city
-- $43: ipad:city
-- $44: opad:state
-- $45: ipad:state
SELECT
  t."id",
  CASE
    WHEN t."ssn" IS NULL
    THEN t."ssn"
    ELSE CAST(COALESCE(
      NULLIF(
        CONCAT(
          (
            900 + (
              get_byte(t.understudy_406176aec678, 0) * 100 / 256
            )
          ),
          get_byte(
            CAST('\x0b0c0d0e0f101415161718191a1b1e1f202122232428292a2b2c2d2e2f3031' AS BYTEA),
            get_byte(t.understudy_406176aec678, 1) * 31 / 256
          ),
          RIGHT(
            CAST((
              10001 + (
                get_byte(t.understudy_406176aec678, 2) * 65536 + get_byte(t.understudy_406176aec678, 3) * 256 + get_byte(t.understudy_406176aec678, 4)
              ) % 9999
            ) AS TEXT),
            4
          )
        ),
        CAST(t."ssn" AS TEXT)
      ),
      CONCAT(
        (
          900 + (
            get_byte(t.understudy_406176aec678, 1) * 100 / 256
          )
        ),
        get_byte(
          CAST('\x0b0c0d0e0f101415161718191a1b1e1f202122232428292a2b2c2d2e2f3031' AS BYTEA),
          get_byte(t.understudy_406176aec678, 2) * 31 / 256
        ),
        RIGHT(
          CAST((
            10001 + (
              get_byte(t.understudy_406176aec678, 3) * 65536 + get_byte(t.understudy_406176aec678, 4) * 256 + get_byte(t.understudy_406176aec678, 5)
            ) % 9999
          ) AS TEXT),
          4
        )
      )
    ) AS INT)
  END,
  CASE
    WHEN t."npi" IS NULL
    THEN t."npi"
    ELSE CAST(COALESCE(
      NULLIF(
        CONCAT(
          (
            (
              (
                (
                  (
                    (
                      (
                        (
                          9
                        ) * 100 + (
                          get_byte(t.understudy_19baf3be237d, 4) * 100 / 256
                        )
                      )
                    ) * 100 + (
                      get_byte(t.understudy_19baf3be237d, 5) * 100 / 256
                    )
                  )
                ) * 100 + (
                  get_byte(t.understudy_19baf3be237d, 6) * 100 / 256
                )
              )
            ) * 100 + (
              get_byte(t.understudy_19baf3be237d, 7) * 100 / 256
            )
          ),
          (
            (
              33 + (
                (
                  get_byte(t.understudy_19baf3be237d, 4) * 100 / 256
                ) / 10 + (
                  get_byte(t.understudy_19baf3be237d, 4) * 100 / 256
                ) % 10 * 11 / 5
              ) + (
                (
                  get_byte(t.understudy_19baf3be237d, 5) * 100 / 256
                ) / 10 + (
                  get_byte(t.understudy_19baf3be237d, 5) * 100 / 256
                ) % 10 * 11 / 5
              ) + (
                (
                  get_byte(t.understudy_19baf3be237d, 6) * 100 / 256
                ) / 10 + (
                  get_byte(t.understudy_19baf3be237d, 6) * 100 / 256
                ) % 10 * 11 / 5
              ) + (
                (
                  get_byte(t.understudy_19baf3be237d, 7) * 100 / 256
                ) / 10 + (
                  get_byte(t.understudy_19baf3be237d, 7) * 100 / 256
                ) % 10 * 11 / 5
              )
            ) * 9 % 10
          )
        ),
        CAST(t."npi" AS TEXT)
      ),
      CONCAT(
        (
          (
            (
              (
                (
                  (
                    (
                      (
                        9
                      ) * 100 + (
                        get_byte(t.understudy_19baf3be237d, 5) * 100 / 256
                      )
                    )
                  ) * 100 + (
                    get_byte(t.understudy_19baf3be237d, 6) * 100 / 256
                  )
                )
              ) * 100 + (
                get_byte(t.understudy_19baf3be237d, 7) * 100 / 256
              )
            )
          ) * 100 + (
            get_byte(t.understudy_19baf3be237d, 8) * 100 / 256
          )
        ),
        (
          (
            33 + (
              (
                get_byte(t.understudy_19baf3be237d, 5) * 100 / 256
              ) / 10 + (
                get_byte(t.understudy_19baf3be237d, 5) * 100 / 256
              ) % 10 * 11 / 5
            ) + (
              (
                get_byte(t.understudy_19baf3be237d, 6) * 100 / 256
              ) / 10 + (
                get_byte(t.understudy_19baf3be237d, 6) * 100 / 256
              ) % 10 * 11 / 5
            ) + (
              (
                get_byte(t.understudy_19baf3be237d, 7) * 100 / 256
              ) / 10 + (
                get_byte(t.understudy_19baf3be237d, 7) * 100 / 256
              ) % 10 * 11 / 5
            ) + (
              (
                get_byte(t.understudy_19baf3be237d, 8) * 100 / 256
              ) / 10 + (
                get_byte(t.understudy_19baf3be237d, 8) * 100 / 256
              ) % 10 * 11 / 5
            )
          ) * 9 % 10
        )
      )
    ) AS BIGINT)
  END,
  CASE
    WHEN t."mbi" IS NULL OR t."mbi" = ''
    THEN t."mbi"
    ELSE COALESCE(
      NULLIF(
        CONCAT(
          CONCAT(
            '0',
            CHR(
                get_byte(
                  CAST('ACDEFGHJKMNPQRTUVWXY' AS BYTEA),
                  get_byte(t.understudy_06af23f586c6, 6) * 20 / 256
                )
            ),
            CHR(
                get_byte(
                  CAST('0123456789ACDEFGHJKMNPQRTUVWXY' AS BYTEA),
                  get_byte(t.understudy_06af23f586c6, 7) * 30 / 256
                )
            ),
            CHR(
                get_byte(CAST('0123456789' AS BYTEA), get_byte(t.understudy_06af23f586c6, 8) * 10 / 256)
            )
          ),
          CONCAT(
            CHR(
                get_byte(
                  CAST('ACDEFGHJKMNPQRTUVWXY' AS BYTEA),
                  get_byte(t.understudy_06af23f586c6, 9) * 20 / 256
                )
            ),
            CHR(
                get_byte(
                  CAST('0123456789ACDEFGHJKMNPQRTUVWXY' AS BYTEA),
                  get_byte(t.understudy_06af23f586c6, 10) * 30 / 256
                )
            ),
            CHR(
                get_byte(CAST('0123456789' AS BYTEA), get_byte(t.understudy_06af23f586c6, 11) * 10 / 256)
            )
          ),
          CONCAT(
            CHR(
                get_byte(
                  CAST('ACDEFGHJKMNPQRTUVWXY' AS BYTEA),
                  get_byte(t.understudy_06af23f586c6, 12) * 20 / 256
                )
            ),
            CHR(
                get_byte(
                  CAST('ACDEFGHJKMNPQRTUVWXY' AS BYTEA),
                  get_byte(t.understudy_06af23f586c6, 13) * 20 / 256
                )
            ),
            CHR(
                get_byte(CAST('0123456789' AS BYTEA), get_byte(t.understudy_06af23f586c6, 14) * 10 / 256)
            ),
            CHR(
                get_byte(CAST('0123456789' AS BYTEA), get_byte(t.understudy_06af23f586c6, 15) * 10 / 256)
            )
          )
        ),
        CAST(t."mbi" AS TEXT)
      ),
      CONCAT(
        CONCAT(
          '0',
          CHR(
              get_byte(
                CAST('ACDEFGHJKMNPQRTUVWXY' AS BYTEA),
                get_byte(t.understudy_06af23f586c6, 7) * 20 / 256
              )
          ),
          CHR(
              get_byte(
                CAST('0123456789ACDEFGHJKMNPQRTUVWXY' AS BYTEA),
                get_byte(t.understudy_06af23f586c6, 8) * 30 / 256
              )
          ),
          CHR(
              get_byte(CAST('0123456789' AS BYTEA), get_byte(t.understudy_06af23f586c6, 9) * 10 / 256)
          )
        ),
        CONCAT(
          CHR(
              get_byte(
                CAST('ACDEFGHJKMNPQRTUVWXY' AS BYTEA),
                get_byte(t.understudy_06af23f586c6, 10) * 20 / 256
              )
          ),
          CHR(
              get_byte(
                CAST('0123456789ACDEFGHJKMNPQRTUVWXY' AS BYTEA),
                get_byte(t.understudy_06af23f586c6, 11) * 30 / 256
              )
          ),
          CHR(
              get_byte(CAST('0123456789' AS BYTEA), get_byte(t.understudy_06af23f586c6, 12) * 10 / 256)
          )
        ),
        CONCAT(
          CHR(
              get_byte(
                CAST('ACDEFGHJKMNPQRTUVWXY' AS BYTEA),
                get_byte(t.understudy_06af23f586c6, 13) * 20 / 256
              )
          ),
          CHR(
              get_byte(
                CAST('ACDEFGHJKMNPQRTUVWXY' AS BYTEA),
                get_byte(t.understudy_06af23f586c6, 14) * 20 / 256
              )
          ),
          CHR(
              get_byte(CAST('0123456789' AS BYTEA), get_byte(t.understudy_06af23f586c6, 15) * 10 / 256)
          ),
          CHR(
              get_byte(CAST('0123456789' AS BYTEA), get_byte(t.understudy_06af23f586c6, 16) * 10 / 256)
          )
        )
      )
    )
  END,
  CASE
    WHEN t."iban" IS NULL OR t."iban" = ''
    THEN t."iban"
    ELSE COALESCE(
      NULLIF(
        (
          SELECT
            CASE
              WHEN POSITION(' ' IN CAST(t."iban" AS TEXT)) > 0
              AND LENGTH(CAST(t."iban" AS TEXT)) >= LENGTH(iban) + (
                LENGTH(iban) - 1
              ) / 4
              THEN REGEXP_REPLACE(iban, '(....)(?=.)', '\1 ', 'g')
              ELSE iban
            END
          FROM (
            SELECT
              i.*,
              CONCAT(LEFT(old, 2), RIGHT(CAST((
                198 - rest
              ) AS TEXT), 2), bank, number) AS iban
            FROM (
              SELECT
                i.*,
                CAST(CONCAT(
                  LEFT('29142829', 2 * LENGTH(bank)),
                  number,
                  ASCII(old) - 55,
                  ASCII(SUBSTRING(old FROM 2)) - 55,
                  '00'
                ) AS DECIMAL) % 97 AS rest
              FROM (
                SELECT
                  i.*,
                  LPAD(
                    RIGHT(
                      RIGHT(
                        CAST((
                          (
                            (
                              (
                                (
                                  (
                                    (
                                      (
                                        (
                                          (
                                            (
                                              CAST(1 AS BIGINT)
                                            ) * 100 + (
                                              get_byte(t.understudy_e553cd4439c6, 13) * 100 / 256
                                            )
                                          )
                                        ) * 100 + (
                                          get_byte(t.understudy_e553cd4439c6, 14) * 100 / 256
                                        )
                                      )
                                    ) * 100 + (
                                      get_byte(t.understudy_e553cd4439c6, 15) * 100 / 256
                                    )
                                  )
                                ) * 100 + (
                                  get_byte(t.understudy_e553cd4439c6, 16) * 100 / 256
                                )
                              )
                            ) * 100 + (
                              get_byte(t.understudy_e553cd4439c6, 17) * 100 / 256
                            )
                          )
                        ) AS TEXT),
                        10
                      ),
                      LEAST(10, LENGTH(old) - 9)
                    ),
                    LENGTH(old) - 4 - LENGTH(bank),
                    '0'
                  ) AS number
                FROM (
                  SELECT
                    i.*,
                    LEFT(
                      'TEST',
                      LENGTH(old) - 4 - LENGTH(TRIM(LEADING 'ABCDEFGHIJKLMNOPQRSTUVWXYZ' FROM SUBSTRING(old FROM 5)))
                    ) AS bank
                  FROM (
                    SELECT
                      i.*,
                      CASE
                        WHEN TRANSLATE(LEFT(bare, 2), 'ABCDEFGHIJKLMNOPQRSTUVWXYZ', '') = ''
                        AND LENGTH(bare) BETWEEN 15 AND 34
                        THEN bare
                        ELSE 'NO0000000000000'
                      END AS old
                    FROM (
                      SELECT
                        REPLACE(CAST(t."iban" AS TEXT), ' ', '') AS bare
                      OFFSET 0
                    ) AS i
                    OFFSET 0
                  ) AS i
                  OFFSET 0
                ) AS i
                OFFSET 0
              ) AS i
              OFFSET 0
            ) AS i
            OFFSET 0
          ) AS i
        ),
        CAST(t."iban" AS TEXT)
      ),
      (
        SELECT
          CASE
            WHEN POSITION(' ' IN CAST(t."iban" AS TEXT)) > 0
            AND LENGTH(CAST(t."iban" AS TEXT)) >= LENGTH(iban) + (
              LENGTH(iban) - 1
            ) / 4
            THEN REGEXP_REPLACE(iban, '(....)(?=.)', '\1 ', 'g')
            ELSE iban
          END
        FROM (
          SELECT
            i.*,
            CONCAT(LEFT(old, 2), RIGHT(CAST((
              198 - rest
            ) AS TEXT), 2), bank, number) AS iban
          FROM (
            SELECT
              i.*,
              CAST(CONCAT(
                LEFT('29142829', 2 * LENGTH(bank)),
                number,
                ASCII(old) - 55,
                ASCII(SUBSTRING(old FROM 2)) - 55,
                '00'
              ) AS DECIMAL) % 97 AS rest
            FROM (
              SELECT
                i.*,
                LPAD(
                  RIGHT(
                    RIGHT(
                      CAST((
                        (
                          (
                            (
                              (
                                (
                                  (
                                    (
                                      (
                                        (
                                          (
                                            CAST(1 AS BIGINT)
                                          ) * 100 + (
                                            get_byte(t.understudy_e553cd4439c6, 14) * 100 / 256
                                          )
                                        )
                                      ) * 100 + (
                                        get_byte(t.understudy_e553cd4439c6, 15) * 100 / 256
                                      )
                                    )
                                  ) * 100 + (
                                    get_byte(t.understudy_e553cd4439c6, 16) * 100 / 256
                                  )
                                )
                              ) * 100 + (
                                get_byte(t.understudy_e553cd4439c6, 17) * 100 / 256
                              )
                            )
                          ) * 100 + (
                            get_byte(t.understudy_e553cd4439c6, 18) * 100 / 256
                          )
                        )
                      ) AS TEXT),
                      10
                    ),
                    LEAST(10, LENGTH(old) - 9)
                  ),
                  LENGTH(old) - 4 - LENGTH(bank),
                  '0'
                ) AS number
              FROM (
                SELECT
                  i.*,
                  LEFT(
                    'TEST',
                    LENGTH(old) - 4 - LENGTH(TRIM(LEADING 'ABCDEFGHIJKLMNOPQRSTUVWXYZ' FROM SUBSTRING(old FROM 5)))
                  ) AS bank
                FROM (
                  SELECT
                    i.*,
                    CASE
                      WHEN TRANSLATE(LEFT(bare, 2), 'ABCDEFGHIJKLMNOPQRSTUVWXYZ', '') = ''
                      AND LENGTH(bare) BETWEEN 15 AND 34
                      THEN bare
                      ELSE 'NO0000000000000'
                    END AS old
                  FROM (
                    SELECT
                      REPLACE(CAST(t."iban" AS TEXT), ' ', '') AS bare
                    OFFSET 0
                  ) AS i
                  OFFSET 0
                ) AS i
                OFFSET 0
              ) AS i
              OFFSET 0
            ) AS i
            OFFSET 0
          ) AS i
          OFFSET 0
        ) AS i
      )
    )
  END,
  CASE
    WHEN t."card" IS NULL OR t."card" = ''
    THEN t."card"
    ELSE COALESCE(
      NULLIF(
        (
          SELECT
            CASE
              WHEN LENGTH(t."card") = n OR LENGTH(t."card") < n + CASE WHEN n = 15 THEN 2 ELSE 3 END
              THEN bare
              WHEN n = 15
              THEN CONCAT(
                LEFT(bare, 4),
                CASE
                  WHEN POSITION('-' IN t."card") > 0
                  THEN '-'
                  WHEN POSITION(' ' IN t."card") > 0
                  THEN ' '
                  ELSE ''
                END,
                SUBSTRING(bare FROM 5 FOR 6),
                CASE
                  WHEN POSITION('-' IN t."card") > 0
                  THEN '-'
                  WHEN POSITION(' ' IN t."card") > 0
                  THEN ' '
                  ELSE ''
                END,
                SUBSTRING(bare FROM 11)
              )
              ELSE CONCAT(
                LEFT(bare, 4),
                CASE
                  WHEN POSITION('-' IN t."card") > 0
                  THEN '-'
                  WHEN POSITION(' ' IN t."card") > 0
                  THEN ' '
                  ELSE ''
                END,
                SUBSTRING(bare FROM 5 FOR 4),
                CASE
                  WHEN POSITION('-' IN t."card") > 0
                  THEN '-'
                  WHEN POSITION(' ' IN t."card") > 0
                  THEN ' '
                  ELSE ''
                END,
                SUBSTRING(bare FROM 9 FOR 4),
                CASE
                  WHEN POSITION('-' IN t."card") > 0
                  THEN '-'
                  WHEN POSITION(' ' IN t."card") > 0
                  THEN ' '
                  ELSE ''
                END,
                SUBSTRING(bare FROM 13)
              )
            END
          FROM (
            SELECT
              i.*,
              CONCAT(
                LEFT('4000000000', n - 9),
                RIGHT(
                  CAST((
                    (
                      (
                        (
                          (
                            (
                              (
                                (
                                  (
                                    1
                                  ) * 100 + (
                                    get_byte(t.understudy_7ef8ae51b5f1, 8) * 100 / 256
                                  )
                                )
                              ) * 100 + (
                                get_byte(t.understudy_7ef8ae51b5f1, 9) * 100 / 256
                              )
                            )
                          ) * 100 + (
                            get_byte(t.understudy_7ef8ae51b5f1, 10) * 100 / 256
                          )
                        )
                      ) * 100 + (
                        get_byte(t.understudy_7ef8ae51b5f1, 11) * 100 / 256
                      )
                    )
                  ) AS TEXT),
                  8
                ),
                (
                  (
                    8 - n % 2 * 4 + (
                      (
                        get_byte(t.understudy_7ef8ae51b5f1, 8) * 100 / 256
                      ) / 10 + (
                        get_byte(t.understudy_7ef8ae51b5f1, 8) * 100 / 256
                      ) % 10 * 11 / 5
                    ) + (
                      (
                        get_byte(t.understudy_7ef8ae51b5f1, 9) * 100 / 256
                      ) / 10 + (
                        get_byte(t.understudy_7ef8ae51b5f1, 9) * 100 / 256
                      ) % 10 * 11 / 5
                    ) + (
                      (
                        get_byte(t.understudy_7ef8ae51b5f1, 10) * 100 / 256
                      ) / 10 + (
                        get_byte(t.understudy_7ef8ae51b5f1, 10) * 100 / 256
                      ) % 10 * 11 / 5
                    ) + (
                      (
                        get_byte(t.understudy_7ef8ae51b5f1, 11) * 100 / 256
                      ) / 10 + (
                        get_byte(t.understudy_7ef8ae51b5f1, 11) * 100 / 256
                      ) % 10 * 11 / 5
                    )
                  ) * 9 % 10
                )
              ) AS bare
            FROM (
              SELECT
                LEAST(GREATEST(LENGTH(t."card") - LENGTH(TRANSLATE(t."card", '0123456789', '')), 15), 19) AS n
              OFFSET 0
            ) AS i
            OFFSET 0
          ) AS i
        ),
        t."card"
      ),
      (
        SELECT
          CASE
            WHEN LENGTH(t."card") = n OR LENGTH(t."card") < n + CASE WHEN n = 15 THEN 2 ELSE 3 END
            THEN bare
            WHEN n = 15
            THEN CONCAT(
              LEFT(bare, 4),
              CASE
                WHEN POSITION('-' IN t."card") > 0
                THEN '-'
                WHEN POSITION(' ' IN t."card") > 0
                THEN ' '
                ELSE ''
              END,
              SUBSTRING(bare FROM 5 FOR 6),
              CASE
                WHEN POSITION('-' IN t."card") > 0
                THEN '-'
                WHEN POSITION(' ' IN t."card") > 0
                THEN ' '
                ELSE ''
              END,
              SUBSTRING(bare FROM 11)
            )
            ELSE CONCAT(
              LEFT(bare, 4),
              CASE
                WHEN POSITION('-' IN t."card") > 0
                THEN '-'
                WHEN POSITION(' ' IN t."card") > 0
                THEN ' '
                ELSE ''
              END,
              SUBSTRING(bare FROM 5 FOR 4),
              CASE
                WHEN POSITION('-' IN t."card") > 0
                THEN '-'
                WHEN POSITION(' ' IN t."card") > 0
                THEN ' '
                ELSE ''
              END,
              SUBSTRING(bare FROM 9 FOR 4),
              CASE
                WHEN POSITION('-' IN t."card") > 0
                THEN '-'
                WHEN POSITION(' ' IN t."card") > 0
                THEN ' '
                ELSE ''
              END,
              SUBSTRING(bare FROM 13)
            )
          END
        FROM (
          SELECT
            i.*,
            CONCAT(
              LEFT('4000000000', n - 9),
              RIGHT(
                CAST((
                  (
                    (
                      (
                        (
                          (
                            (
                              (
                                (
                                  1
                                ) * 100 + (
                                  get_byte(t.understudy_7ef8ae51b5f1, 9) * 100 / 256
                                )
                              )
                            ) * 100 + (
                              get_byte(t.understudy_7ef8ae51b5f1, 10) * 100 / 256
                            )
                          )
                        ) * 100 + (
                          get_byte(t.understudy_7ef8ae51b5f1, 11) * 100 / 256
                        )
                      )
                    ) * 100 + (
                      get_byte(t.understudy_7ef8ae51b5f1, 12) * 100 / 256
                    )
                  )
                ) AS TEXT),
                8
              ),
              (
                (
                  8 - n % 2 * 4 + (
                    (
                      get_byte(t.understudy_7ef8ae51b5f1, 9) * 100 / 256
                    ) / 10 + (
                      get_byte(t.understudy_7ef8ae51b5f1, 9) * 100 / 256
                    ) % 10 * 11 / 5
                  ) + (
                    (
                      get_byte(t.understudy_7ef8ae51b5f1, 10) * 100 / 256
                    ) / 10 + (
                      get_byte(t.understudy_7ef8ae51b5f1, 10) * 100 / 256
                    ) % 10 * 11 / 5
                  ) + (
                    (
                      get_byte(t.understudy_7ef8ae51b5f1, 11) * 100 / 256
                    ) / 10 + (
                      get_byte(t.understudy_7ef8ae51b5f1, 11) * 100 / 256
                    ) % 10 * 11 / 5
                  ) + (
                    (
                      get_byte(t.understudy_7ef8ae51b5f1, 12) * 100 / 256
                    ) / 10 + (
                      get_byte(t.understudy_7ef8ae51b5f1, 12) * 100 / 256
                    ) % 10 * 11 / 5
                  )
                ) * 9 % 10
              )
            ) AS bare
          FROM (
            SELECT
              LEAST(GREATEST(LENGTH(t."card") - LENGTH(TRANSLATE(t."card", '0123456789', '')), 15), 19) AS n
            OFFSET 0
          ) AS i
          OFFSET 0
        ) AS i
      )
    )
  END,
  CASE
    WHEN t."vin" IS NULL OR t."vin" = ''
    THEN t."vin"
    ELSE COALESCE(
      NULLIF(
        CONCAT(
          '000',
          CHR(
              get_byte(
                CAST('0123456789ABCDEFGHJKLMNPRSTUVWXY' AS BYTEA),
                (
                  get_byte(t.understudy_28f41e5d0d0b, 5) / 8
                )
              )
          ),
          CHR(
              get_byte(
                CAST('0123456789ABCDEFGHJKLMNPRSTUVWXY' AS BYTEA),
                (
                  get_byte(t.understudy_28f41e5d0d0b, 6) / 8
                )
              )
          ),
          CHR(
              get_byte(
                CAST('0123456789ABCDEFGHJKLMNPRSTUVWXY' AS BYTEA),
                (
                  get_byte(t.understudy_28f41e5d0d0b, 7) / 8
                )
              )
          ),
          CHR(
              get_byte(
                CAST('0123456789ABCDEFGHJKLMNPRSTUVWXY' AS BYTEA),
                (
                  get_byte(t.understudy_28f41e5d0d0b, 8) / 8
                )
              )
          ),
          CHR(
              get_byte(
                CAST('0123456789ABCDEFGHJKLMNPRSTUVWXY' AS BYTEA),
                (
                  get_byte(t.understudy_28f41e5d0d0b, 9) / 8
                )
              )
          ),
          CHR(
              get_byte(
                CAST('0123456789X' AS BYTEA),
                (
                  36 + (
                    get_byte(
                      CAST('01234567891234567812345792345678' AS BYTEA),
                      (
                        get_byte(t.understudy_28f41e5d0d0b, 5) / 8
                      )
                    ) - 48
                  ) * 5 + (
                    get_byte(
                      CAST('01234567891234567812345792345678' AS BYTEA),
                      (
                        get_byte(t.understudy_28f41e5d0d0b, 6) / 8
                      )
                    ) - 48
                  ) * 4 + (
                    get_byte(
                      CAST('01234567891234567812345792345678' AS BYTEA),
                      (
                        get_byte(t.understudy_28f41e5d0d0b, 7) / 8
                      )
                    ) - 48
                  ) * 3 + (
                    get_byte(
                      CAST('01234567891234567812345792345678' AS BYTEA),
                      (
                        get_byte(t.understudy_28f41e5d0d0b, 8) / 8
                      )
                    ) - 48
                  ) * 2 + (
                    get_byte(
                      CAST('01234567891234567812345792345678' AS BYTEA),
                      (
                        get_byte(t.understudy_28f41e5d0d0b, 9) / 8
                      )
                    ) - 48
                  ) * 10 + (
                    (
                      get_byte(t.understudy_28f41e5d0d0b, 10) * 100 / 256
                    ) / 10 * 7 + (
                      get_byte(t.understudy_28f41e5d0d0b, 10) * 100 / 256
                    ) % 10 * (
                      7 - 1
                    )
                  ) + (
                    (
                      get_byte(t.understudy_28f41e5d0d0b, 11) * 100 / 256
                    ) / 10 * 5 + (
                      get_byte(t.understudy_28f41e5d0d0b, 11) * 100 / 256
                    ) % 10 * (
                      5 - 1
                    )
                  ) + (
                    (
                      get_byte(t.understudy_28f41e5d0d0b, 12) * 100 / 256
                    ) / 10 * 3 + (
                      get_byte(t.understudy_28f41e5d0d0b, 12) * 100 / 256
                    ) % 10 * (
                      3 - 1
                    )
                  )
                ) % 11
              )
          ),
          'M0',
          RIGHT(
            CAST((
              (
                (
                  (
                    (
                      (
                        (
                          1
                        ) * 100 + (
                          get_byte(t.understudy_28f41e5d0d0b, 10) * 100 / 256
                        )
                      )
                    ) * 100 + (
                      get_byte(t.understudy_28f41e5d0d0b, 11) * 100 / 256
                    )
                  )
                ) * 100 + (
                  get_byte(t.understudy_28f41e5d0d0b, 12) * 100 / 256
                )
              )
            ) AS TEXT),
            6
          )
        ),
        CAST(t."vin" AS TEXT)
      ),
      CONCAT(
        '000',
        CHR(
            get_byte(
              CAST('0123456789ABCDEFGHJKLMNPRSTUVWXY' AS BYTEA),
              (
                get_byte(t.understudy_28f41e5d0d0b, 6) / 8
              )
            )
        ),
        CHR(
            get_byte(
              CAST('0123456789ABCDEFGHJKLMNPRSTUVWXY' AS BYTEA),
              (
                get_byte(t.understudy_28f41e5d0d0b, 7) / 8
              )
            )
        ),
        CHR(
            get_byte(
              CAST('0123456789ABCDEFGHJKLMNPRSTUVWXY' AS BYTEA),
              (
                get_byte(t.understudy_28f41e5d0d0b, 8) / 8
              )
            )
        ),
        CHR(
            get_byte(
              CAST('0123456789ABCDEFGHJKLMNPRSTUVWXY' AS BYTEA),
              (
                get_byte(t.understudy_28f41e5d0d0b, 9) / 8
              )
            )
        ),
        CHR(
            get_byte(
              CAST('0123456789ABCDEFGHJKLMNPRSTUVWXY' AS BYTEA),
              (
                get_byte(t.understudy_28f41e5d0d0b, 10) / 8
              )
            )
        ),
        CHR(
            get_byte(
              CAST('0123456789X' AS BYTEA),
              (
                36 + (
                  get_byte(
                    CAST('01234567891234567812345792345678' AS BYTEA),
                    (
                      get_byte(t.understudy_28f41e5d0d0b, 6) / 8
                    )
                  ) - 48
                ) * 5 + (
                  get_byte(
                    CAST('01234567891234567812345792345678' AS BYTEA),
                    (
                      get_byte(t.understudy_28f41e5d0d0b, 7) / 8
                    )
                  ) - 48
                ) * 4 + (
                  get_byte(
                    CAST('01234567891234567812345792345678' AS BYTEA),
                    (
                      get_byte(t.understudy_28f41e5d0d0b, 8) / 8
                    )
                  ) - 48
                ) * 3 + (
                  get_byte(
                    CAST('01234567891234567812345792345678' AS BYTEA),
                    (
                      get_byte(t.understudy_28f41e5d0d0b, 9) / 8
                    )
                  ) - 48
                ) * 2 + (
                  get_byte(
                    CAST('01234567891234567812345792345678' AS BYTEA),
                    (
                      get_byte(t.understudy_28f41e5d0d0b, 10) / 8
                    )
                  ) - 48
                ) * 10 + (
                  (
                    get_byte(t.understudy_28f41e5d0d0b, 11) * 100 / 256
                  ) / 10 * 7 + (
                    get_byte(t.understudy_28f41e5d0d0b, 11) * 100 / 256
                  ) % 10 * (
                    7 - 1
                  )
                ) + (
                  (
                    get_byte(t.understudy_28f41e5d0d0b, 12) * 100 / 256
                  ) / 10 * 5 + (
                    get_byte(t.understudy_28f41e5d0d0b, 12) * 100 / 256
                  ) % 10 * (
                    5 - 1
                  )
                ) + (
                  (
                    get_byte(t.understudy_28f41e5d0d0b, 13) * 100 / 256
                  ) / 10 * 3 + (
                    get_byte(t.understudy_28f41e5d0d0b, 13) * 100 / 256
                  ) % 10 * (
                    3 - 1
                  )
                )
              ) % 11
            )
        ),
        'M0',
        RIGHT(
          CAST((
            (
              (
                (
                  (
                    (
                      (
                        1
                      ) * 100 + (
                        get_byte(t.understudy_28f41e5d0d0b, 11) * 100 / 256
                      )
                    )
                  ) * 100 + (
                    get_byte(t.understudy_28f41e5d0d0b, 12) * 100 / 256
                  )
                )
              ) * 100 + (
                get_byte(t.understudy_28f41e5d0d0b, 13) * 100 / 256
              )
            )
          ) AS TEXT),
          6
        )
      )
    )
  END,
  CASE
    WHEN t."imei" IS NULL OR t."imei" = ''
    THEN t."imei"
    ELSE COALESCE(
      NULLIF(
        CONCAT(
          '00',
          CASE
            WHEN POSITION('-' IN t."imei") > 0
            THEN '-'
            WHEN POSITION(' ' IN t."imei") > 0
            THEN ' '
            ELSE ''
          END,
          CONCAT(
            '0000',
            RIGHT(
              CAST((
                (
                  (
                    1
                  ) * 100 + (
                    get_byte(t.understudy_d40e770f83da, 12) * 100 / 256
                  )
                )
              ) AS TEXT),
              2
            )
          ),
          CASE
            WHEN POSITION('-' IN t."imei") > 0
            THEN '-'
            WHEN POSITION(' ' IN t."imei") > 0
            THEN ' '
            ELSE ''
          END,
          RIGHT(
            CAST((
              (
                (
                  (
                    (
                      (
                        (
                          1
                        ) * 100 + (
                          get_byte(t.understudy_d40e770f83da, 13) * 100 / 256
                        )
                      )
                    ) * 100 + (
                      get_byte(t.understudy_d40e770f83da, 14) * 100 / 256
                    )
                  )
                ) * 100 + (
                  get_byte(t.understudy_d40e770f83da, 15) * 100 / 256
                )
              )
            ) AS TEXT),
            6
          ),
          CASE
            WHEN POSITION('-' IN t."imei") > 0
            THEN '-'
            WHEN POSITION(' ' IN t."imei") > 0
            THEN ' '
            ELSE ''
          END,
          (
            (
              0 + (
                (
                  get_byte(t.understudy_d40e770f83da, 12) * 100 / 256
                ) / 10 + (
                  get_byte(t.understudy_d40e770f83da, 12) * 100 / 256
                ) % 10 * 11 / 5
              ) + (
                (
                  get_byte(t.understudy_d40e770f83da, 13) * 100 / 256
                ) / 10 + (
                  get_byte(t.understudy_d40e770f83da, 13) * 100 / 256
                ) % 10 * 11 / 5
              ) + (
                (
                  get_byte(t.understudy_d40e770f83da, 14) * 100 / 256
                ) / 10 + (
                  get_byte(t.understudy_d40e770f83da, 14) * 100 / 256
                ) % 10 * 11 / 5
              ) + (
                (
                  get_byte(t.understudy_d40e770f83da, 15) * 100 / 256
                ) / 10 + (
                  get_byte(t.understudy_d40e770f83da, 15) * 100 / 256
                ) % 10 * 11 / 5
              )
            ) * 9 % 10
          )
        ),
        t."imei"
      ),
      CONCAT(
        '00',
        CASE
          WHEN POSITION('-' IN t."imei") > 0
          THEN '-'
          WHEN POSITION(' ' IN t."imei") > 0
          THEN ' '
          ELSE ''
        END,
        CONCAT(
          '0000',
          RIGHT(
            CAST((
              (
                (
                  1
                ) * 100 + (
                  get_byte(t.understudy_d40e770f83da, 13) * 100 / 256
                )
              )
            ) AS TEXT),
            2
          )
        ),
        CASE
          WHEN POSITION('-' IN t."imei") > 0
          THEN '-'
          WHEN POSITION(' ' IN t."imei") > 0
          THEN ' '
          ELSE ''
        END,
        RIGHT(
          CAST((
            (
              (
                (
                  (
                    (
                      (
                        1
                      ) * 100 + (
                        get_byte(t.understudy_d40e770f83da, 14) * 100 / 256
                      )
                    )
                  ) * 100 + (
                    get_byte(t.understudy_d40e770f83da, 15) * 100 / 256
                  )
                )
              ) * 100 + (
                get_byte(t.understudy_d40e770f83da, 16) * 100 / 256
              )
            )
          ) AS TEXT),
          6
        ),
        CASE
          WHEN POSITION('-' IN t."imei") > 0
          THEN '-'
          WHEN POSITION(' ' IN t."imei") > 0
          THEN ' '
          ELSE ''
        END,
        (
          (
            0 + (
              (
                get_byte(t.understudy_d40e770f83da, 13) * 100 / 256
              ) / 10 + (
                get_byte(t.understudy_d40e770f83da, 13) * 100 / 256
              ) % 10 * 11 / 5
            ) + (
              (
                get_byte(t.understudy_d40e770f83da, 14) * 100 / 256
              ) / 10 + (
                get_byte(t.understudy_d40e770f83da, 14) * 100 / 256
              ) % 10 * 11 / 5
            ) + (
              (
                get_byte(t.understudy_d40e770f83da, 15) * 100 / 256
              ) / 10 + (
                get_byte(t.understudy_d40e770f83da, 15) * 100 / 256
              ) % 10 * 11 / 5
            ) + (
              (
                get_byte(t.understudy_d40e770f83da, 16) * 100 / 256
              ) / 10 + (
                get_byte(t.understudy_d40e770f83da, 16) * 100 / 256
              ) % 10 * 11 / 5
            )
          ) * 9 % 10
        )
      )
    )
  END,
  CASE
    WHEN t."plate" IS NULL OR t."plate" = ''
    THEN t."plate"
    ELSE COALESCE(
      NULLIF(
        CONCAT(
          CONCAT(
            CHR(
                get_byte(CAST('IOQ' AS BYTEA), get_byte(t.understudy_ced67e4dbfa0, 14) * 3 / 256)
            ),
            CHR(
                get_byte(CAST('IOQ' AS BYTEA), get_byte(t.understudy_ced67e4dbfa0, 15) * 3 / 256)
            ),
            CHR(
                get_byte(CAST('IOQ' AS BYTEA), get_byte(t.understudy_ced67e4dbfa0, 16) * 3 / 256)
            )
          ),
          CASE
            WHEN POSITION('-' IN CAST(t."plate" AS TEXT)) > 0
            THEN '-'
            WHEN POSITION(' ' IN CAST(t."plate" AS TEXT)) > 0
            THEN ' '
            ELSE ''
          END,
          RIGHT(
            CAST((
              (
                (
                  (
                    (
                      1
                    ) * 100 + (
                      get_byte(t.understudy_ced67e4dbfa0, 17) * 100 / 256
                    )
                  )
                ) * 100 + (
                  get_byte(t.understudy_ced67e4dbfa0, 18) * 100 / 256
                )
              )
            ) AS TEXT),
            4
          )
        ),
        CAST(t."plate" AS TEXT)
      ),
      CONCAT(
        CONCAT(
          CHR(
              get_byte(CAST('IOQ' AS BYTEA), get_byte(t.understudy_ced67e4dbfa0, 15) * 3 / 256)
          ),
          CHR(
              get_byte(CAST('IOQ' AS BYTEA), get_byte(t.understudy_ced67e4dbfa0, 16) * 3 / 256)
          ),
          CHR(
              get_byte(CAST('IOQ' AS BYTEA), get_byte(t.understudy_ced67e4dbfa0, 17) * 3 / 256)
          )
        ),
        CASE
          WHEN POSITION('-' IN CAST(t."plate" AS TEXT)) > 0
          THEN '-'
          WHEN POSITION(' ' IN CAST(t."plate" AS TEXT)) > 0
          THEN ' '
          ELSE ''
        END,
        RIGHT(
          CAST((
            (
              (
                (
                  (
                    1
                  ) * 100 + (
                    get_byte(t.understudy_ced67e4dbfa0, 18) * 100 / 256
                  )
                )
              ) * 100 + (
                get_byte(t.understudy_ced67e4dbfa0, 19) * 100 / 256
              )
            )
          ) AS TEXT),
          4
        )
      )
    )
  END,
  CASE
    WHEN t."passport" IS NULL OR t."passport" = ''
    THEN t."passport"
    ELSE COALESCE(
      NULLIF(
        CONCAT(
          'XX',
          RIGHT(
            CAST((
              10000000 + (
                get_byte(t.understudy_d2d4c2c942bd, 15) * 65536 + get_byte(t.understudy_d2d4c2c942bd, 16) * 256 + get_byte(t.understudy_d2d4c2c942bd, 17)
              ) % 10000000
            ) AS TEXT),
            7
          )
        ),
        t."passport"
      ),
      CONCAT(
        'XX',
        RIGHT(
          CAST((
            10000000 + (
              get_byte(t.understudy_d2d4c2c942bd, 16) * 65536 + get_byte(t.understudy_d2d4c2c942bd, 17) * 256 + get_byte(t.understudy_d2d4c2c942bd, 18)
            ) % 10000000
          ) AS TEXT),
          7
        )
      )
    )
  END,
  CASE
    WHEN t."device" IS NULL
    THEN t."device"
    ELSE CAST(COALESCE(
      NULLIF(
        CASE
          WHEN LENGTH(CAST(t."device" AS TEXT)) < 36
          THEN ENCODE(
            set_byte(
              set_byte(
                SUBSTRING(t.understudy_18913bfe38da FROM 1 FOR 16),
                6,
                64 + get_byte(t.understudy_18913bfe38da, 6) % 16
              ),
              8,
              128 + get_byte(t.understudy_18913bfe38da, 8) % 64
            ),
            'hex'
          )
          ELSE CAST(CAST(ENCODE(
            set_byte(
              set_byte(
                SUBSTRING(t.understudy_18913bfe38da FROM 1 FOR 16),
                6,
                64 + get_byte(t.understudy_18913bfe38da, 6) % 16
              ),
              8,
              128 + get_byte(t.understudy_18913bfe38da, 8) % 64
            ),
            'hex'
          ) AS UUID) AS TEXT)
        END,
        CAST(t."device" AS TEXT)
      ),
      CASE
        WHEN LENGTH(CAST(t."device" AS TEXT)) < 36
        THEN ENCODE(
          set_byte(
            set_byte(
              SUBSTRING(t.understudy_18913bfe38da FROM 2 FOR 16),
              6,
              64 + get_byte(t.understudy_18913bfe38da, 7) % 16
            ),
            8,
            128 + get_byte(t.understudy_18913bfe38da, 9) % 64
          ),
          'hex'
        )
        ELSE CAST(CAST(ENCODE(
          set_byte(
            set_byte(
              SUBSTRING(t.understudy_18913bfe38da FROM 2 FOR 16),
              6,
              64 + get_byte(t.understudy_18913bfe38da, 7) % 16
            ),
            8,
            128 + get_byte(t.understudy_18913bfe38da, 9) % 64
          ),
          'hex'
        ) AS UUID) AS TEXT)
      END
    ) AS UUID)
  END,
  CASE
    WHEN t."mac" IS NULL
    THEN t."mac"
    ELSE CAST(COALESCE(
      NULLIF(
        CASE
          WHEN CAST(t."mac" AS TEXT) LIKE '%:%'
          THEN OVERLAY('00:00:5e:00:53:' PLACING SUBSTRING(pg_catalog.to_hex(256 + (
            get_byte(t.understudy_e3cb9e183fc5, 19) + 0
          ) % 256) FROM 2) FROM 16)
          WHEN CAST(t."mac" AS TEXT) LIKE '%-%'
          THEN OVERLAY('00-00-5E-00-53-' PLACING UPPER(
            SUBSTRING(pg_catalog.to_hex(256 + (
              get_byte(t.understudy_e3cb9e183fc5, 19) + 0
            ) % 256) FROM 2)
          ) FROM 16)
          WHEN CAST(t."mac" AS TEXT) LIKE '%.%'
          THEN OVERLAY('0000.5e00.53' PLACING SUBSTRING(pg_catalog.to_hex(256 + (
            get_byte(t.understudy_e3cb9e183fc5, 19) + 0
          ) % 256) FROM 2) FROM 13)
          ELSE OVERLAY('00005e0053' PLACING SUBSTRING(pg_catalog.to_hex(256 + (
            get_byte(t.understudy_e3cb9e183fc5, 19) + 0
          ) % 256) FROM 2) FROM 11)
        END,
        CAST(t."mac" AS TEXT)
      ),
      CASE
        WHEN CAST(t."mac" AS TEXT) LIKE '%:%'
        THEN OVERLAY('00:00:5e:00:53:' PLACING SUBSTRING(pg_catalog.to_hex(256 + (
          get_byte(t.understudy_e3cb9e183fc5, 19) + 1
        ) % 256) FROM 2) FROM 16)
        WHEN CAST(t."mac" AS TEXT) LIKE '%-%'
        THEN OVERLAY('00-00-5E-00-53-' PLACING UPPER(
          SUBSTRING(pg_catalog.to_hex(256 + (
            get_byte(t.understudy_e3cb9e183fc5, 19) + 1
          ) % 256) FROM 2)
        ) FROM 16)
        WHEN CAST(t."mac" AS TEXT) LIKE '%.%'
        THEN OVERLAY('0000.5e00.53' PLACING SUBSTRING(pg_catalog.to_hex(256 + (
          get_byte(t.understudy_e3cb9e183fc5, 19) + 1
        ) % 256) FROM 2) FROM 13)
        ELSE OVERLAY('00005e0053' PLACING SUBSTRING(pg_catalog.to_hex(256 + (
          get_byte(t.understudy_e3cb9e183fc5, 19) + 1
        ) % 256) FROM 2) FROM 11)
      END
    ) AS macaddr)
  END,
  CASE
    WHEN t."network" IS NULL
    THEN t."network"
    ELSE COALESCE(
      NULLIF(
        network(
          set_masklen(
            CAST(CASE
              WHEN HOST(t."network") LIKE '%:%'
              THEN CONCAT(
                '2001:db8:',
                pg_catalog.to_hex(
                  1 + (
                    (
                      get_byte(t.understudy_43ae4f750618, 16) * 65536 + get_byte(t.understudy_43ae4f750618, 17) * 256 + get_byte(t.understudy_43ae4f750618, 18)
                    ) + 0
                  ) % 65535
                ),
                ':',
                pg_catalog.to_hex(
                  1 + (
                    get_byte(t.understudy_43ae4f750618, 19) * 65536 + get_byte(t.understudy_43ae4f750618, 20) * 256 + get_byte(t.understudy_43ae4f750618, 21)
                  ) % 65535
                ),
                '::',
                pg_catalog.to_hex(1 + get_byte(t.understudy_43ae4f750618, 22))
              )
              ELSE CONCAT(
                (
                  ARRAY['192.0.2.', '198.51.100.', '203.0.113.']
                )[1 + (
                  get_byte(t.understudy_43ae4f750618, 16) + 0
                ) % 3],
                1 + (
                  get_byte(t.understudy_43ae4f750618, 17) * 65536 + get_byte(t.understudy_43ae4f750618, 18) * 256 + get_byte(t.understudy_43ae4f750618, 19)
                ) % 254
              )
            END AS INET),
            GREATEST(masklen(t."network"), family(t."network") * 12 - 24)
          )
        ),
        t."network"
      ),
      network(
        set_masklen(
          CAST(CASE
            WHEN HOST(t."network") LIKE '%:%'
            THEN CONCAT(
              '2001:db8:',
              pg_catalog.to_hex(
                1 + (
                  (
                    get_byte(t.understudy_43ae4f750618, 16) * 65536 + get_byte(t.understudy_43ae4f750618, 17) * 256 + get_byte(t.understudy_43ae4f750618, 18)
                  ) + 1
                ) % 65535
              ),
              ':',
              pg_catalog.to_hex(
                1 + (
                  get_byte(t.understudy_43ae4f750618, 19) * 65536 + get_byte(t.understudy_43ae4f750618, 20) * 256 + get_byte(t.understudy_43ae4f750618, 21)
                ) % 65535
              ),
              '::',
              pg_catalog.to_hex(1 + get_byte(t.understudy_43ae4f750618, 22))
            )
            ELSE CONCAT(
              (
                ARRAY['192.0.2.', '198.51.100.', '203.0.113.']
              )[1 + (
                get_byte(t.understudy_43ae4f750618, 16) + 1
              ) % 3],
              1 + (
                get_byte(t.understudy_43ae4f750618, 17) * 65536 + get_byte(t.understudy_43ae4f750618, 18) * 256 + get_byte(t.understudy_43ae4f750618, 19)
              ) % 254
            )
          END AS INET),
          GREATEST(masklen(t."network"), family(t."network") * 12 - 24)
        )
      )
    )
  END,
  CASE
    WHEN t."address" IS NULL
    THEN t."address"
    ELSE COALESCE(
      NULLIF(
        CASE
          WHEN family(t."address") = 4
          THEN set_masklen(
            CAST(CONCAT(
              (
                ARRAY['192.0.2.', '198.51.100.', '203.0.113.']
              )[1 + (
                get_byte(t.understudy_20dc0739c9c8, 16) + 0
              ) % 3],
              1 + (
                get_byte(t.understudy_20dc0739c9c8, 17) * 65536 + get_byte(t.understudy_20dc0739c9c8, 18) * 256 + get_byte(t.understudy_20dc0739c9c8, 19)
              ) % 254
            ) AS INET),
            masklen(t."address")
          )
          ELSE CAST(CONCAT(
            (
              ARRAY['192.0.2.', '198.51.100.', '203.0.113.']
            )[1 + (
              get_byte(t.understudy_20dc0739c9c8, 16) + 0
            ) % 3],
            1 + (
              get_byte(t.understudy_20dc0739c9c8, 17) * 65536 + get_byte(t.understudy_20dc0739c9c8, 18) * 256 + get_byte(t.understudy_20dc0739c9c8, 19)
            ) % 254
          ) AS INET)
        END,
        t."address"
      ),
      CASE
        WHEN family(t."address") = 4
        THEN set_masklen(
          CAST(CONCAT(
            (
              ARRAY['192.0.2.', '198.51.100.', '203.0.113.']
            )[1 + (
              get_byte(t.understudy_20dc0739c9c8, 16) + 1
            ) % 3],
            1 + (
              get_byte(t.understudy_20dc0739c9c8, 17) * 65536 + get_byte(t.understudy_20dc0739c9c8, 18) * 256 + get_byte(t.understudy_20dc0739c9c8, 19)
            ) % 254
          ) AS INET),
          masklen(t."address")
        )
        ELSE CAST(CONCAT(
          (
            ARRAY['192.0.2.', '198.51.100.', '203.0.113.']
          )[1 + (
            get_byte(t.understudy_20dc0739c9c8, 16) + 1
          ) % 3],
          1 + (
            get_byte(t.understudy_20dc0739c9c8, 17) * 65536 + get_byte(t.understudy_20dc0739c9c8, 18) * 256 + get_byte(t.understudy_20dc0739c9c8, 19)
          ) % 254
        ) AS INET)
      END
    )
  END,
  CASE
    WHEN t."fax" IS NULL OR t."fax" = ''
    THEN t."fax"
    ELSE COALESCE(
      NULLIF(
        CASE
          WHEN TRANSLATE(CAST(t."fax" AS TEXT), '0123456789', '') = ''
          THEN CONCAT(
            201 + (
              get_byte(t.understudy_4763dc1db029, 16) * 256 + get_byte(t.understudy_4763dc1db029, 17)
            ) % 789,
            '55501',
            RIGHT(
              CAST((
                100 + (
                  get_byte(t.understudy_4763dc1db029, 19) + 0
                ) % 100
              ) AS TEXT),
              2
            )
          )
          ELSE CONCAT(
            201 + (
              get_byte(t.understudy_4763dc1db029, 16) * 256 + get_byte(t.understudy_4763dc1db029, 17)
            ) % 789,
            '-555-01',
            RIGHT(
              CAST((
                100 + (
                  get_byte(t.understudy_4763dc1db029, 19) + 0
                ) % 100
              ) AS TEXT),
              2
            )
          )
        END,
        CAST(t."fax" AS TEXT)
      ),
      CASE
        WHEN TRANSLATE(CAST(t."fax" AS TEXT), '0123456789', '') = ''
        THEN CONCAT(
          201 + (
            get_byte(t.understudy_4763dc1db029, 16) * 256 + get_byte(t.understudy_4763dc1db029, 17)
          ) % 789,
          '55501',
          RIGHT(
            CAST((
              100 + (
                get_byte(t.understudy_4763dc1db029, 19) + 1
              ) % 100
            ) AS TEXT),
            2
          )
        )
        ELSE CONCAT(
          201 + (
            get_byte(t.understudy_4763dc1db029, 16) * 256 + get_byte(t.understudy_4763dc1db029, 17)
          ) % 789,
          '-555-01',
          RIGHT(
            CAST((
              100 + (
                get_byte(t.understudy_4763dc1db029, 19) + 1
              ) % 100
            ) AS TEXT),
            2
          )
        )
      END
    )
  END,
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
              get_byte(t.understudy_75ff6a2eda5a, 0) * 256 + get_byte(t.understudy_75ff6a2eda5a, 1)
            ) + 0
          ) % cardinality(CAST($1 AS NAME[]))]
        ) AS TEXT),
        t."first"
      ),
      CAST((
        (
          CAST($1 AS NAME[])
        )[1 + (
          (
            get_byte(t.understudy_75ff6a2eda5a, 0) * 256 + get_byte(t.understudy_75ff6a2eda5a, 1)
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
        CONCAT(
          CONCAT(
            CAST((
              (
                CAST($3 AS NAME[])
              )[1 + (
                (
                  get_byte(t.understudy_367a8d159627, 0) * 256 + get_byte(t.understudy_367a8d159627, 1)
                ) + 0
              ) % cardinality(CAST($3 AS NAME[]))]
            ) AS TEXT),
            '.',
            CAST((
              (
                CAST($4 AS NAME[])
              )[1 + (
                (
                  get_byte(t.understudy_367a8d159627, 3) * 256 + get_byte(t.understudy_367a8d159627, 4)
                ) + 0
              ) % cardinality(CAST($4 AS NAME[]))]
            ) AS TEXT),
            '.',
            LEFT(ENCODE(SUBSTRING(t.understudy_367a8d159627 FROM 23), 'hex'), 12)
          ),
          '@example.com'
        ),
        t."email"
      ),
      CONCAT(
        CONCAT(
          CAST((
            (
              CAST($3 AS NAME[])
            )[1 + (
              (
                get_byte(t.understudy_367a8d159627, 0) * 256 + get_byte(t.understudy_367a8d159627, 1)
              ) + 0
            ) % cardinality(CAST($3 AS NAME[]))]
          ) AS TEXT),
          '.',
          CAST((
            (
              CAST($4 AS NAME[])
            )[1 + (
              (
                get_byte(t.understudy_367a8d159627, 3) * 256 + get_byte(t.understudy_367a8d159627, 4)
              ) + 0
            ) % cardinality(CAST($4 AS NAME[]))]
          ) AS TEXT),
          '-',
          LEFT(ENCODE(SUBSTRING(t.understudy_367a8d159627 FROM 23), 'hex'), 12)
        ),
        '@example.com'
      )
    )
  END,
  CASE
    WHEN t."town" IS NULL OR t."town" = ''
    THEN t."town"
    ELSE COALESCE(
      NULLIF(
        CAST((
          (
            CAST($5 AS NAME[])
          )[1 + (
            (
              get_byte(t.understudy_bd4d3ba76faa, 12) * 256 + get_byte(t.understudy_bd4d3ba76faa, 13)
            ) + 0
          ) % cardinality(CAST($5 AS NAME[]))]
        ) AS TEXT),
        CAST(t."town" AS TEXT)
      ),
      CAST((
        (
          CAST($5 AS NAME[])
        )[1 + (
          (
            get_byte(t.understudy_bd4d3ba76faa, 12) * 256 + get_byte(t.understudy_bd4d3ba76faa, 13)
          ) + 1
        ) % cardinality(CAST($5 AS NAME[]))]
      ) AS TEXT)
    )
  END,
  CASE
    WHEN t."state" IS NULL OR t."state" = ''
    THEN t."state"
    ELSE COALESCE(
      NULLIF(
        CASE
          WHEN LENGTH(t."state") <= 3
          THEN CAST((
            (
              CAST($6 AS NAME[])
            )[1 + (
              (
                get_byte(t.understudy_49451ead336f, 15) * 256 + get_byte(t.understudy_49451ead336f, 16)
              ) + 0
            ) % cardinality(CAST($6 AS NAME[]))]
          ) AS TEXT)
          ELSE CAST((
            (
              CAST($7 AS NAME[])
            )[1 + (
              (
                get_byte(t.understudy_49451ead336f, 15) * 256 + get_byte(t.understudy_49451ead336f, 16)
              ) + 0
            ) % cardinality(CAST($7 AS NAME[]))]
          ) AS TEXT)
        END,
        t."state"
      ),
      CASE
        WHEN LENGTH(t."state") <= 3
        THEN CAST((
          (
            CAST($6 AS NAME[])
          )[1 + (
            (
              get_byte(t.understudy_49451ead336f, 15) * 256 + get_byte(t.understudy_49451ead336f, 16)
            ) + 1
          ) % cardinality(CAST($6 AS NAME[]))]
        ) AS TEXT)
        ELSE CAST((
          (
            CAST($7 AS NAME[])
          )[1 + (
            (
              get_byte(t.understudy_49451ead336f, 15) * 256 + get_byte(t.understudy_49451ead336f, 16)
            ) + 1
          ) % cardinality(CAST($7 AS NAME[]))]
        ) AS TEXT)
      END
    )
  END
FROM (
  SELECT
    t.*,
    SHA256(
      CAST($8 AS BYTEA) || SHA256(
        CAST($9 AS BYTEA) || convert_to(TRANSLATE(CAST(t."ssn" AS TEXT), '- ', ''), 'UTF8')
      )
    ) AS understudy_406176aec678,
    SHA256(
      CAST($10 AS BYTEA) || SHA256(
        CAST($11 AS BYTEA) || convert_to(TRANSLATE(CAST(t."npi" AS TEXT), '- ', ''), 'UTF8')
      )
    ) AS understudy_19baf3be237d,
    SHA256(
      CAST($12 AS BYTEA) || SHA256(
        CAST($13 AS BYTEA) || convert_to(TRANSLATE(CAST(t."mbi" AS TEXT), '- ', ''), 'UTF8')
      )
    ) AS understudy_06af23f586c6,
    SHA256(
      CAST($14 AS BYTEA) || SHA256(
        CAST($15 AS BYTEA) || convert_to(TRANSLATE(CAST(t."iban" AS TEXT), '- ', ''), 'UTF8')
      )
    ) AS understudy_e553cd4439c6,
    SHA256(
      CAST($16 AS BYTEA) || SHA256(CAST($17 AS BYTEA) || convert_to(TRANSLATE(t."card", '- ', ''), 'UTF8'))
    ) AS understudy_7ef8ae51b5f1,
    SHA256(
      CAST($18 AS BYTEA) || SHA256(
        CAST($19 AS BYTEA) || convert_to(TRANSLATE(CAST(t."vin" AS TEXT), '- ', ''), 'UTF8')
      )
    ) AS understudy_28f41e5d0d0b,
    SHA256(
      CAST($20 AS BYTEA) || SHA256(CAST($21 AS BYTEA) || convert_to(TRANSLATE(t."imei", '- ', ''), 'UTF8'))
    ) AS understudy_d40e770f83da,
    SHA256(
      CAST($22 AS BYTEA) || SHA256(
        CAST($23 AS BYTEA) || convert_to(TRANSLATE(CAST(t."plate" AS TEXT), '- ', ''), 'UTF8')
      )
    ) AS understudy_ced67e4dbfa0,
    SHA256(
      CAST($24 AS BYTEA) || SHA256(CAST($25 AS BYTEA) || convert_to(TRANSLATE(t."passport", '- ', ''), 'UTF8'))
    ) AS understudy_d2d4c2c942bd,
    SHA256(
      CAST($26 AS BYTEA) || SHA256(
        CAST($27 AS BYTEA) || convert_to(TRANSLATE(CAST(t."device" AS TEXT), '- ', ''), 'UTF8')
      )
    ) AS understudy_18913bfe38da,
    SHA256(
      CAST($28 AS BYTEA) || SHA256(CAST($29 AS BYTEA) || convert_to(CAST(t."mac" AS TEXT), 'UTF8'))
    ) AS understudy_e3cb9e183fc5,
    SHA256(
      CAST($30 AS BYTEA) || SHA256(CAST($31 AS BYTEA) || convert_to(HOST(t."network"), 'UTF8'))
    ) AS understudy_43ae4f750618,
    SHA256(
      CAST($32 AS BYTEA) || SHA256(CAST($33 AS BYTEA) || convert_to(HOST(t."address"), 'UTF8'))
    ) AS understudy_20dc0739c9c8,
    SHA256(
      CAST($34 AS BYTEA) || SHA256(CAST($35 AS BYTEA) || convert_to(CAST(t."fax" AS TEXT), 'UTF8'))
    ) AS understudy_4763dc1db029,
    SHA256(
      CAST($36 AS BYTEA) || SHA256(CAST($37 AS BYTEA) || convert_to(t."first", 'UTF8'))
    ) AS understudy_75ff6a2eda5a,
    SHA256(CAST($38 AS BYTEA) || SHA256(CAST($39 AS BYTEA) || convert_to(t."last", 'UTF8'))) AS understudy_779fd4c748d2,
    SHA256(
      CAST($40 AS BYTEA) || SHA256(CAST($41 AS BYTEA) || convert_to(LOWER(t."email"), 'UTF8'))
    ) AS understudy_367a8d159627,
    SHA256(
      CAST($42 AS BYTEA) || SHA256(CAST($43 AS BYTEA) || convert_to(CAST(t."town" AS TEXT), 'UTF8'))
    ) AS understudy_bd4d3ba76faa,
    SHA256(
      CAST($44 AS BYTEA) || SHA256(CAST($45 AS BYTEA) || convert_to(t."state", 'UTF8'))
    ) AS understudy_49451ead336f
  FROM ONLY "public"."members" AS t
  OFFSET 0
) AS t;
