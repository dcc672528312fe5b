CREATE TABLE visit (id int, day date, author text, old int) PARTITION BY RANGE (day);
CREATE TABLE visit_2023 PARTITION OF visit FOR VALUES FROM ('2023-01-01') TO ('2024-01-01');
CREATE TABLE visit_2024 (author text, old int, day date, id int);
ALTER TABLE visit ATTACH PARTITION visit_2024 FOR VALUES FROM ('2024-01-01') TO ('2025-01-01');
ALTER TABLE visit DROP COLUMN old;
CREATE TABLE lookup (code text, old text);
ALTER TABLE lookup DROP COLUMN old;
INSERT INTO visit VALUES (1, '2023-05-05', 'Ada'), (2, '2024-05-05', 'Ada');
