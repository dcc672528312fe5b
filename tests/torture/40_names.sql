-- Names that need quoting, and tables that lack what others have.
CREATE SCHEMA "Select";
CREATE SCHEMA "100% ""mine"" $$ 😀";
CREATE TABLE "Select"."Table" ("Column" text PRIMARY KEY, "select" text, "from" int, "%s" text, "with ""quotes""" text, "it's" text, "ünï côdé" text,
    " " text, "$1" text, "{curly}" text, ":colon" text, "t" text, "r" text, "v" text, "m" text, "understudy_exempt" boolean, "a
b" text);
INSERT INTO "Select"."Table" SELECT 'Qilda' || n, 'Qvist' || n, n, 'Qilda %', 'Qilda "', 'Qilda''s', 'Qvist ü', 'Qvist', 'Qilda $1', 'Qilda {x}',
    'Qilda :x', 'Qilda t', 'Qilda r', 'Qilda v', 'Qilda m', n % 2 = 0, 'Qilda nl' FROM generate_series(1, 40) AS n;
ALTER TABLE "Select"."Table" ADD CONSTRAINT "check" CHECK ("select" <> '%s{}"''$1' AND "%s" <> ':name');
CREATE UNIQUE INDEX "Index %" ON "Select"."Table" (("select" || "with ""quotes""")) WHERE "from" > 0;
CREATE TABLE "100% ""mine"" $$ 😀"."user" ("order" int GENERATED ALWAYS AS IDENTITY, "group" text REFERENCES "Select"."Table" ON UPDATE CASCADE, "primary" text,
    PRIMARY KEY ("order"));
INSERT INTO "100% ""mine"" $$ 😀"."user" ("group", "primary") SELECT "Column", "select" FROM "Select"."Table";
CREATE TABLE "Select".a_name_of_exactly_sixty_three_bytes_is_the_longest_there_can_be (
    a_column_of_exactly_sixty_three_bytes_is_the_longest_there_can_ text CONSTRAINT a_constraint_of_sixty_three_bytes_is_the_longest_there_can_be_x CHECK
        (a_column_of_exactly_sixty_three_bytes_is_the_longest_there_can_ <> ''), id int PRIMARY KEY);
INSERT INTO "Select".a_name_of_exactly_sixty_three_bytes_is_the_longest_there_can_be SELECT 'Qilda' || n, n FROM generate_series(1, 30) AS n;
COMMENT ON TABLE "Select"."Table" IS E'quotes '' " \\ % $1 {} :x\n😀';
CREATE VIEW "Select"."View" AS SELECT "Column" AS "a ""b""", "%s", "{curly}" || "$1" AS "||" FROM "Select"."Table";
CREATE TABLE "Select".no_key (name text, n int);
INSERT INTO "Select".no_key SELECT 'Qilda', n % 3 FROM generate_series(1, 60) AS n;
CREATE TABLE "Select".no_columns ();
INSERT INTO "Select".no_columns DEFAULT VALUES;
INSERT INTO "Select".no_columns DEFAULT VALUES;
CREATE TABLE "Select".no_columns_any_more (gone text, gone_2 text);
INSERT INTO "Select".no_columns_any_more SELECT 'Qilda', 'Qvist' FROM generate_series(1, 30);
ALTER TABLE "Select".no_columns_any_more DROP gone, DROP gone_2;
CREATE TABLE "Select".dropped (id int PRIMARY KEY, gone text, name text, gone_2 registry.contact, n int);
INSERT INTO "Select".dropped SELECT n, 'Qilda', 'Qilda' || n, ROW('qilda@qmail.test', '')::registry.contact, n FROM generate_series(1, 30) AS n;
ALTER TABLE "Select".dropped DROP gone, DROP gone_2;
CREATE TABLE "Select".only_dropped (id int PRIMARY KEY, gone text, kind text);
INSERT INTO "Select".only_dropped SELECT n, 'Qilda', 'k' FROM generate_series(1, 30) AS n;
ALTER TABLE "Select".only_dropped DROP gone;
CREATE UNLOGGED TABLE "Select".fleeting (id int PRIMARY KEY, name text, body text);
INSERT INTO "Select".fleeting SELECT n, 'Qilda' || n, repeat(md5(n::text), 200) || 'Qvist' FROM generate_series(1, 20) AS n;
CREATE TABLE "Select".elsewhere (id int PRIMARY KEY USING INDEX TABLESPACE torture_space, name text) TABLESPACE torture_space;
INSERT INTO "Select".elsewhere SELECT n, 'Qilda' || n FROM generate_series(1, 20) AS n;
CREATE TABLE "Select".nobody (id int PRIMARY KEY, name text);
CREATE ACCESS METHOD torture_heap TYPE TABLE HANDLER heap_tableam_handler;
CREATE TABLE "Select".other_method (id int PRIMARY KEY, name text) USING torture_heap;
INSERT INTO "Select".other_method SELECT n, 'Qilda' || n FROM generate_series(1, 20) AS n;
