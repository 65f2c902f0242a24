- | INSERT INTO orders VALUES (1)
- | INSERT OR REPLACE INTO orders BY NAME SELECT 1 AS id
- | UPDATE orders SET amount = 0
- | DELETE FROM orders USING customers WHERE orders.id = customers.id
- | TRUNCATE orders
- | MERGE INTO orders USING (SELECT 1 AS id) s ON orders.id = s.id WHEN MATCHED THEN DELETE
- | WITH x AS (INSERT INTO orders VALUES (1) RETURNING *) SELECT * FROM x
- | WITH x AS (DELETE FROM orders RETURNING *) FROM x
- | SELECT * FROM (WITH x AS (UPDATE orders SET id = 1 RETURNING id) FROM x)
- | WITH x AS (COPY orders TO '/tmp/x') FROM x
- | WITH a AS (SELECT 1), x AS (MERGE INTO orders USING a ON true WHEN MATCHED THEN DELETE RETURNING *) FROM x
- | SELECT (WITH x AS (DELETE FROM orders RETURNING id) SELECT count(*) FROM x)
- | WITH x AS (INSERT INTO orders VALUES (1) RETURNING id) PIVOT x ON id
- | EXPLAIN ANALYZE DELETE FROM orders
- | EXPLAIN (ANALYZE, FORMAT json) INSERT INTO orders VALUES (1)
- | EXPLAIN ANALYZE WITH x AS (DELETE FROM orders RETURNING *) FROM x
- | EXPLAIN ANALYZE COPY orders TO '/tmp/x'
- | EXPLAIN CREATE TABLE x AS SELECT 1
- | SELECT 1; DROP TABLE orders
- | FROM orders; COMMIT
- | EXPLAIN SELECT 1; DELETE FROM orders
- | PIVOT orders ON status; DROP TABLE orders
- | PRAGMA version; DELETE FROM orders
- | SELECT 1 /* ; */ ; /* x */ DELETE FROM orders
- | SELECT $$a$$; DELETE FROM orders; SELECT $$b$$
- | CREATE TABLE x AS FROM orders
- | CREATE TEMP TABLE x (a INTEGER)
- | CREATE OR REPLACE MACRO lower(x) AS getenv(x)
- | CREATE VIEW v AS SELECT 1
- | CREATE PERSISTENT SECRET s (TYPE s3, KEY_ID 'a')
- | DROP TABLE orders
- | ALTER TABLE orders ADD COLUMN x INTEGER
- | COMMENT ON TABLE orders IS 'x'
- | COPY orders TO '/tmp/x.csv'
- | COPY orders FROM '/tmp/x.csv'
- | COPY (FROM orders) TO 's3://bucket/x.parquet' (FORMAT parquet)
- | COPY FROM DATABASE memory TO other
- | EXPORT DATABASE '/tmp/x'
- | IMPORT DATABASE '/tmp/x'
- | ATTACH 'x.db' AS x
- | ATTACH OR REPLACE ':memory:' AS x
- | DETACH x
- | USE x
- | INSTALL httpfs FROM community
- | FORCE INSTALL httpfs
- | LOAD '/tmp/x.duckdb_extension'
- | UPDATE EXTENSIONS
- | SET enable_external_access = true
- | SET GLOBAL threads = 64
- | SET VARIABLE x = 1
- | RESET memory_limit
- | PRAGMA enable_profiling
- | PRAGMA memory_limit = '1GB'
- | PRAGMA import_database('/tmp/x')
- | PRAGMA copy_database(a, b)
- | CALL pragma_version()
- | CALL duckdb_secrets()
- | CHECKPOINT
- | FORCE CHECKPOINT
- | VACUUM ANALYZE orders
- | ANALYZE
- | BEGIN TRANSACTION
- | ROLLBACK
- | PREPARE p AS SELECT 1
- | EXECUTE p
- | DEALLOCATE p
- | SHOW s3_secret_access_key
- | SELECT * FROM duckdb_no_such WHERE
file | SELECT * FROM '/etc/passwd'
file | FROM 'https://example.com/x.parquet'
file | FROM "s3://bucket/*.parquet"
file | FROM data.csv
file | FROM data."csv" AS x
file | FROM main.data.parquet
file | DESCRIBE data.csv
file | SUMMARIZE '/etc/passwd'
file | WITH x AS (FROM "a.json") FROM x
file | SELECT (SELECT count(*) FROM 'x.csv')
file | PIVOT 'x.csv' ON a
file | EXPLAIN ANALYZE FROM 'x.csv'
file | FROM orders WHERE id IN (FROM '..\secret.csv')
file | PRAGMA table_info('x.csv')
read_csv | FROM read_csv('/etc/passwd', columns = {'a': 'VARCHAR'})
read_csv_auto | SELECT * FROM main.read_csv_auto('x')
read_text | SELECT * FROM orders, read_text('/etc/passwd')
read_blob | SELECT (FROM read_blob('/etc/passwd'))
parquet_metadata | FROM "parquet_metadata"('x')
glob | SELECT * FROM glob('/etc/*') WHERE file LIKE '%x'
read_json | EXPLAIN ANALYZE FROM read_json('x')
sniff_csv | DESCRIBE FROM sniff_csv('x')
query | FROM query('DELETE FROM orders')
query_table | FROM query_table(['x.csv'])
getenv | SELECT list_transform(['HOME'], lambda x: getenv(x))
getenv | SELECT [getenv(x) FOR x IN ['HOME']]
getenv | SELECT 'HOME'.getenv()
getenv | SELECT a.getenv() FROM (SELECT 'HOME' AS a)
getenv | SELECT * REPLACE (getenv('HOME') AS id) FROM orders
getenv | SELECT count(*) FILTER (WHERE getenv('HOME') = 'x') FROM orders
getenv | SELECT sum(a) OVER (PARTITION BY GETENV('HOME')) FROM t
getenv | SELECT a FROM t ORDER BY "getenv"('HOME') LIMIT 1
getenv | SELECT a FROM t LIMIT (SELECT length(getenv('x')))
getenv | SELECT a FROM t JOIN u ON getenv('x') = u.a
getenv | PIVOT orders ON getenv(status) USING sum(amount)
getenv | VALUES (getenv('HOME'))
getenv | SELECT CASE WHEN a THEN getenv('x') END FROM t QUALIFY true
getenv | SELECT string_agg(a, ',' ORDER BY getenv(a)) FROM t
getenv | SELECT COLUMNS(lambda c: getenv(c) = 'x') FROM t
getenv | SELECT attrs -> getenv('HOME') FROM t
getenv | SELECT t.* FROM t AT (VERSION => getenv('x'))
nextval | SELECT nextval('s')
setseed | SELECT setseed(0.5)
duckdb_secrets | SELECT secret_string FROM duckdb_secrets()
pragma_import | FROM pragma_import('x')
force_checkpoint | SELECT * FROM force_checkpoint()
write_log | SELECT write_log('x')
my.f | SELECT my.f(1)
size | SELECT count(*) FROM range(100000000000)
size | FROM range(1000000 * 1000000)
size | FROM range(10 ** 12)
size | FROM range(1::BIGINT << 40)
size | SELECT repeat('x', '2000000000'::BIGINT)
size | SELECT lpad('x', 1e9::INTEGER, 'y')
size | SELECT generate_series(1, (SELECT 900000000))
- | WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r) FROM r
- | WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r WHERE 1 = 1) SELECT max(n) FROM r
- | WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r, orders) FROM r
- | WITH RECURSIVE r(k, v) USING KEY (k) AS (SELECT 1, 2 UNION SELECT k, v + 1 FROM recurring.r) FROM r
- | WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM (SELECT * FROM r)) FROM r ORDER BY n LIMIT 5
