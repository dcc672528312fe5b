CREATE TABLE letters (
    id bigint PRIMARY KEY, line2 text, subject varchar(60), body text, words tsvector, opened date
);
INSERT INTO letters VALUES
    (1, 'Second floor', 'About Ada', 'Ada Example wrote.', 'ada:1 wrote:2', '2024-05-17'), (2, NULL, '', '', '', NULL);
