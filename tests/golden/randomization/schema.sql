CREATE TABLE invoice (
    id bigint PRIMARY KEY, who int NOT NULL, day date, net numeric(12,2), tax numeric(12,2), total numeric(12,2),
    is_test bool NOT NULL
);
CREATE TABLE line (invoice_id bigint REFERENCES invoice (id), side char, amount numeric(12,2), weight float8, code text);
INSERT INTO invoice SELECT n, n % 7, '2024-01-01', n, n / 5, n + n / 5, n % 9 = 0 FROM generate_series(1, 100) n;
INSERT INTO line SELECT n % 100 + 1, 'D', n * 1.1, n / 3, n % 8 FROM generate_series(1, 400) n;
