- | INSERT INTO orders VALUES (1)
- | INSERT OR REPLACE INTO orders VALUES (1) RETURNING id
- | REPLACE INTO orders VALUES (1)
- | UPDATE orders SET id = 1
- | UPDATE OR IGNORE orders SET id = 1 FROM customers RETURNING *
- | DELETE FROM orders
- | WITH x AS (SELECT 1) DELETE FROM orders
- | WITH x AS (SELECT 1), y AS (SELECT 2) INSERT INTO orders SELECT * FROM x
- | WITH x AS (SELECT 1) REPLACE INTO orders SELECT * FROM x
- | WITH RECURSIVE x(a) AS (SELECT 1) UPDATE orders SET id = (SELECT a FROM x)
- | SELECT * FROM (DELETE FROM orders RETURNING id)
- | SELECT (INSERT INTO orders VALUES (1) RETURNING id)
- | EXPLAIN DELETE FROM orders
- | EXPLAIN QUERY PLAN INSERT INTO orders VALUES (1)
- | EXPLAIN WITH x AS (SELECT 1) DELETE FROM orders
- | EXPLAIN EXPLAIN SELECT 1
- | EXPLAIN PRAGMA user_version = 1
- | SELECT 1; DELETE FROM orders
- | SELECT 1;;; DROP TABLE orders
- | SELECT 1 /* ; */; /* */ DROP TABLE orders
- | SELECT [a]] FROM orders; DELETE FROM orders -- ]
- | SELECT 'a\'; DELETE FROM orders; --'
- | SELECT "a""; DELETE FROM orders; --
- | SELECT `a`; DELETE FROM orders; -- `
- | SELECT 1) , (SELECT 2
- | SELECT 1) FROM x; DELETE FROM orders; SELECT (1
- | SELECT 1 /* never closed
- | SELECT :a(;DELETE FROM orders)
- | SELECT $a::b(1)
- | CREATE TABLE x AS SELECT 1
- | CREATE TEMP VIEW x AS SELECT 1
- | CREATE TRIGGER x AFTER INSERT ON orders BEGIN DELETE FROM orders; END
- | CREATE VIRTUAL TABLE x USING fts5(a)
- | CREATE INDEX x ON orders (id)
- | DROP TABLE orders
- | ALTER TABLE orders RENAME TO x
- | ATTACH '/tmp/x.db' AS x
- | ATTACH DATABASE ':memory:' AS x
- | DETACH x
- | VACUUM
- | VACUUM INTO '/tmp/x.db'
- | VACUUM main INTO '/tmp/x.db'
- | REINDEX
- | ANALYZE orders
- | BEGIN
- | COMMIT
- | END TRANSACTION
- | ROLLBACK
- | SAVEPOINT x
- | RELEASE x
- | PRAGMA journal_mode = DELETE
- | PRAGMA journal_mode(wal)
- | PRAGMA main.journal_mode = OFF
- | PRAGMA writable_schema = ON
- | PRAGMA query_only = 0
- | PRAGMA user_version(9)
- | PRAGMA user_version = 9
- | PRAGMA "user_version" = 9
- | PRAGMA foreign_keys(0)
- | PRAGMA cache_size(-100000)
- | PRAGMA trusted_schema = 1
- | PRAGMA optimize
- | PRAGMA wal_checkpoint(TRUNCATE)
- | PRAGMA incremental_vacuum(10)
- | PRAGMA shrink_memory
- | PRAGMA temp_store_directory = '/tmp'
- | PRAGMA key = 'x'
- | PRAGMA rekey('x')
- | PRAGMA locking_mode = EXCLUSIVE
- | PRAGMA case_sensitive_like(1)
- | PRAGMA mmap_size(1)
- | PRAGMA nothing_such
- | PRAGMA user_version; DELETE FROM orders
- | PRAGMA table_info(orders); DROP TABLE orders
- | SELECT 1 INTO x
- | SELECT * FROM orders FOR UPDATE
- | .shell ls
- | SELEC 1
- | pragma_user_version(1)
- | orders
- | ;
load_extension | SELECT load_extension('/tmp/x.so')
load_extension | SELECT "load_extension"('x')
load_extension | SELECT [load_extension]('x', 'y')
load_extension | SELECT `LOAD_Extension` /* x */ ('x')
load_extension | SELECT load_extension('x') AS materialized FROM orders
load_extension | SELECT load_extension('x') AS filter
load_extension | SELECT 1 FROM orders ORDER BY load_extension('x')
load_extension | SELECT 1 FROM orders LIMIT load_extension('x')
load_extension | SELECT CAST(load_extension('x') AS TEXT)
load_extension | SELECT 1 LIKE load_extension('x')
load_extension | SELECT sum(1) FILTER (WHERE load_extension('x'))
load_extension | SELECT sum(1) OVER (ORDER BY load_extension('x'))
load_extension | SELECT group_concat(a, ',' ORDER BY load_extension(a)) FROM t
load_extension | VALUES (load_extension('x'))
load_extension | EXPLAIN SELECT load_extension('x')
load_extension | WITH x AS (SELECT load_extension('x')) SELECT * FROM x
load_extension | WITH load_extension(a) AS (SELECT load_extension(1)) SELECT 1
load_extension | SELECT CASE load_extension('x') WHEN 1 THEN 2 END
load_extension | SELECT a IN (SELECT load_extension('x'))
load_extension | SELECT * FROM t JOIN u ON load_extension('x')
readfile | SELECT readfile('/etc/passwd')
writefile | SELECT writefile('/tmp/x', 'y')
edit | SELECT edit('x', 'vi')
fts3_tokenizer | SELECT fts3_tokenizer('simple', x'00')
fsdir | SELECT * FROM fsdir('/etc')
fsdir | SELECT * FROM orders, main.fsdir('/etc')
fsdir | SELECT * FROM 'fsdir'('/etc')
fsdir | SELECT 1 IN fsdir('/etc')
zipfile | SELECT * FROM zipfile('x.zip')
csv | SELECT * FROM orders JOIN "csv"('x') USING (a)
raise | SELECT raise(ABORT, 'x')
pragma_journal_mode | SELECT * FROM pragma_journal_mode
pragma_wal_checkpoint | SELECT * FROM "pragma_wal_checkpoint"
secrets | SELECT 1 FROM t window, secrets
secrets | SELECT * FROM (WITH secrets AS (SELECT 1) SELECT 1), secrets
secrets | SELECT 1 FROM secrets WINDOW with AS (), secrets AS (with)
secrets | SELECT 1 IN secrets
secrets | SELECT * FROM a JOIN (b, "secrets") ON 1
secrets | WITH x AS (SELECT 1) SELECT * FROM x, (SELECT * FROM 'secrets')
size | SELECT randomblob(900000000)
size | SELECT hex(zeroblob(1 << 30))
size | SELECT zeroblob(1000 * 1000 * 1000)
size | SELECT zeroblob((1000) * (1000000))
size | SELECT zeroblob('900000000')
size | SELECT zeroblob(9e8)
size | SELECT zeroblob(0x3fffffff)
size | SELECT zeroblob(900_000_000)
size | SELECT printf('%900000000d', 1)
size | SELECT printf('%.*c', 900000000, 'x')
size | SELECT value FROM generate_series(1, 100000000000)
- | WITH RECURSIVE r(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM r) SELECT count(*) FROM r
- | WITH r(x) AS (VALUES (1) UNION ALL SELECT x + 1 FROM r AS q) SELECT * FROM r
- | WITH RECURSIVE r(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM r WHERE 1 = 1) SELECT * FROM r
- | WITH RECURSIVE r(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM r, orders) SELECT * FROM r
- | WITH RECURSIVE r(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM r) SELECT x FROM r ORDER BY x LIMIT 5
- | WITH RECURSIVE r(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM r) SELECT x FROM r LIMIT -1
