SELECT * FROM orders
SELECT "orders"."id", COUNT(*) AS "n" FROM "orders" GROUP BY "orders"."id" ORDER BY "n" DESC LIMIT 10 OFFSET 5
SELECT [id], `status`, "amount" FROM [orders] AS 'o'
SELECT o.*, c.name FROM orders o INNER JOIN customers AS c ON c.id = o.customer_id, tags t
SELECT * FROM a LEFT JOIN b USING (id) RIGHT JOIN c USING (id) FULL OUTER JOIN d ON d.id = c.id
SELECT * FROM a NATURAL JOIN b CROSS JOIN c
SELECT * FROM (a JOIN b ON a.x = b.x) JOIN (SELECT 1 AS x) s ON s.x = a.x
SELECT * FROM main.orders, temp.sqlite_temp_schema
SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite\_%' ESCAPE '\'
SELECT a LIKE 'x!%' ESCAPE '!' COLLATE NOCASE FROM t
SELECT a GLOB '*x', a NOT LIKE ('b'), a LIKE (b || '%') FROM t
SELECT a IS b, a IS NOT b, a IS DISTINCT FROM b, a IS NOT DISTINCT FROM b, a ISNULL, b NOTNULL, c NOT NULL FROM t
SELECT a BETWEEN 1 AND 2, a NOT BETWEEN (1) AND (2), a IN (1, 2), a NOT IN (SELECT b FROM u), a IN u FROM t
SELECT (a, b) = (1, 2), (a, b) IN (VALUES (1, 2), (3, 4)) FROM t
SELECT CASE WHEN (a) THEN (b) ELSE (c) END, CASE a WHEN 1 THEN 'x' END FROM t
SELECT CAST(a AS VARCHAR(10)), CAST(b AS DECIMAL(10, 2)), CAST(c AS CHARACTER VARYING (5)), CAST(d AS INTEGER) FROM t
SELECT a -> '$.x', a ->> '$.y', json_extract(a, '$.z', '$.w'), json_group_array(b), json_group_object(b, c) FROM t
SELECT key, value FROM t, json_each(t.attrs, '$.items') WHERE json_valid(attrs)
SELECT j.fullkey, j.atom FROM t JOIN json_tree(t.attrs) AS j ON j.type = 'text'
SELECT json_object('a', 1), json_array(1, 2), json_patch('{}', '{"a":1}'), json_set('{}', '$.a', 1), json_remove('{}', '$.a')
SELECT jsonb_extract(a, '$.x'), json_pretty(a), json_error_position(a) FROM t
SELECT row_number() OVER (PARTITION BY a ORDER BY b DESC NULLS LAST), lag(a, 1, 0) OVER w, ntile(4) OVER (w ROWS UNBOUNDED PRECEDING) FROM t WINDOW w AS (PARTITION BY a ORDER BY b)
SELECT sum(a) FILTER (WHERE b > 1) OVER (ORDER BY c RANGE BETWEEN 1 PRECEDING AND 1 FOLLOWING EXCLUDE CURRENT ROW) FROM t
SELECT first_value(a) OVER (ORDER BY b GROUPS BETWEEN 2 PRECEDING AND CURRENT ROW EXCLUDE TIES), nth_value(a, 2) OVER () FROM t
SELECT count(DISTINCT a), total(b), avg(c), group_concat(DISTINCT d) FROM t HAVING count(*) > 1
SELECT group_concat(a, ', ' ORDER BY b DESC, c) FROM t
SELECT string_agg(a, ',' ORDER BY lower(a)) FILTER (WHERE a IS NOT NULL) FROM t
SELECT concat('a', b), concat_ws('-', a, b), unhex('61'), octet_length(a), timediff(a, b), iif(a, b, c) FROM t
SELECT 1_000_000 + 0x1F + 1.5e3 + .5, x'53514C', X'00', NULL, TRUE, -a, +b, ~c
SELECT a || b, a % b, a << 1, a >> 1, a & b, a | b, a <> b, a != b, a == b FROM t
SELECT date('now', 'start of month', '-1 day'), strftime('%Y-%m', at), unixepoch('now', 'subsec'), julianday(at), datetime(at, 'localtime') FROM t
SELECT printf('%05.2f', a), format('%s-%d', b, c), substr(d, 1, 3), replace(d, 'a', 'b'), instr(d, 'x'), trim(d, ' '), hex(d), quote(d), char(65), unicode('A') FROM t
SELECT max(a, b), min(a, b), coalesce(a, b), ifnull(a, 0), nullif(a, b), likely(a), abs(a), round(a, 2), sign(a), typeof(a) FROM t
SELECT ceil(a), floor(a), ln(a), log(2, a), pow(a, 2), sqrt(a), mod(a, 2), pi(), radians(a), trunc(a) FROM t
WITH a AS (SELECT 1 AS x), b(y) AS MATERIALIZED (SELECT x FROM a), c AS NOT MATERIALIZED (SELECT y FROM b) SELECT * FROM c
WITH RECURSIVE n(x) AS (VALUES (1) UNION ALL SELECT x + 1 FROM n WHERE x < 100) SELECT x FROM n
WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n LIMIT 100) SELECT sum(x) FROM n
WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT x FROM n LIMIT 100
WITH RECURSIVE tree AS (SELECT id, 0 AS depth FROM nodes WHERE parent IS NULL UNION ALL SELECT nodes.id, depth + 1 FROM nodes JOIN tree ON nodes.parent = tree.id) SELECT * FROM tree
WITH RECURSIVE p(v) AS (SELECT attrs FROM t UNION ALL SELECT value FROM p, json_each(p.v)) SELECT * FROM p
WITH RECURSIVE split(word, rest) AS (SELECT '', a || ',' FROM t UNION ALL SELECT substr(rest, 0, instr(rest, ',')), substr(rest, instr(rest, ',') + 1) FROM split WHERE rest <> '') SELECT word FROM split
WITH d(day) AS (SELECT date('2024-01-01') UNION ALL SELECT date(day, '+1 day') FROM d WHERE day < '2024-12-31') SELECT day FROM d
SELECT * FROM (WITH a AS (SELECT 1) SELECT * FROM a)
VALUES (1, 'a'), (2, 'b') UNION ALL SELECT 3, 'c' ORDER BY 1
SELECT 1 UNION SELECT 2 EXCEPT SELECT 3 INTERSECT SELECT 4
SELECT EXISTS (SELECT 1 FROM orders WHERE id = 1), NOT EXISTS (SELECT 1 FROM t)
SELECT (SELECT max(amount) FROM orders o WHERE o.customer_id = c.id) AS best FROM customers c
SELECT * FROM orders INDEXED BY orders_status WHERE status = 'x'
SELECT * FROM orders NOT INDEXED WHERE status = 'x'
SELECT DISTINCT a, rowid, _rowid_ FROM t ORDER BY a COLLATE NOCASE ASC NULLS FIRST
SELECT 'it''s; DROP TABLE t --' AS "a ""b""", "delete", [update], `insert` FROM t
SELECT a AS materialized, b AS filter, c AS over, d AS window FROM t
SELECT replace, "group", key, value, type, desc, row FROM t
SELECT * FROM t window, u
SELECT a FROM t WHERE a MATCH 'word' OR t MATCH 'x NEAR y'
SELECT highlight(docs, 0, '<b>', '</b>'), bm25(docs) FROM docs WHERE docs MATCH 'sqlite' ORDER BY rank
SELECT * FROM pragma_table_info('orders') WHERE pk > 0
SELECT m.name, i.name FROM sqlite_master m, pragma_index_list(m.name) i WHERE m.type = 'table'
SELECT * FROM pragma_database_list
SELECT sqlite_version(), last_insert_rowid(), changes(), total_changes(), random() % 10
EXPLAIN SELECT * FROM orders
EXPLAIN QUERY PLAN SELECT * FROM orders o JOIN customers c ON o.customer_id = c.id
EXPLAIN QUERY PLAN WITH a AS (SELECT 1) SELECT * FROM a
PRAGMA table_info(orders)
PRAGMA main.table_xinfo('orders')
PRAGMA index_list("orders")
PRAGMA foreign_key_list([orders])
PRAGMA table_list
PRAGMA user_version;
PRAGMA integrity_check(10)
PRAGMA compile_options
PRAGMA encoding
SELECT anon_1.id AS anon_1_id, count(anon_1.id) AS count_1 FROM (SELECT orders.id AS id FROM orders WHERE orders.status IN ('a', 'b')) AS anon_1 LEFT OUTER JOIN items AS items_1 ON anon_1.id = items_1.order_id GROUP BY anon_1.id LIMIT -1 OFFSET 0
SELECT "source"."month" AS "month", SUM("source"."amount") AS "sum" FROM (SELECT STRFTIME('%Y-%m', "orders"."created_at") AS "month", "orders"."amount" FROM "orders") AS "source" GROUP BY "source"."month" ORDER BY "source"."month" ASC
SELECT `t0`.`id`, `t1`.`name` FROM `orders` AS `t0` LEFT JOIN `customers` AS `t1` ON (`t1`.`id` = `t0`.`customer_id`) WHERE (`t0`.`id` > 1) ORDER BY `t0`.`id` ASC
SELECT "django_site"."id" FROM "django_site" WHERE ("django_site"."name" LIKE '%x\%' ESCAPE '\' AND NOT ("django_site"."id" = 1)) LIMIT 21
SELECT CAST(strftime('%s', at) AS INTEGER) / 3600 * 3600 AS bucket, count(*) FROM events GROUP BY 1
SELECT a, b FROM t WHERE (a, b) > (1, 2) ORDER BY (a), (b) LIMIT (10) OFFSET (5)
SELECT sum(CASE WHEN status = 'open' THEN 1 ELSE 0 END) AS open, 100.0 * sum(x) / count(*) AS pct FROM t
SELECT * FROM orders -- the last word
SELECT /* one */ 1 /* two */;
