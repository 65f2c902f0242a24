FROM orders
FROM orders SELECT status, count(*) AS n GROUP BY ALL ORDER BY ALL DESC LIMIT 10
SELECT * EXCLUDE (payload) REPLACE (round(amount, 2) AS amount) RENAME (id AS order_id) FROM orders
SELECT COLUMNS(* EXCLUDE id) FROM orders
SELECT min(COLUMNS('amount|tax')), max(COLUMNS(lambda c: c LIKE 'a%')) FROM orders
SELECT coalesce(*COLUMNS(['a', 'b'])) FROM orders
SELECT * LIKE 'a%', * ILIKE '%b', * SIMILAR TO 'c.*' FROM orders
SELECT list_transform(tags, lambda x, i: x || i), list_filter(tags, lambda x: x <> ''), list_reduce([1, 2], lambda a, b: a + b) FROM orders
SELECT [upper(x) FOR x IN tags IF x IS NOT NULL] FROM orders
SELECT {'a': 1, 'b': [1, 2]}, MAP {'k': 1}, MAP(['a'], [1]), struct_pack(a := 1), row(1, 2), [1, 2, 3][-1], 'abc'[1:2]
SELECT s.a.b, s['a'], m['k'], l[1:3:2] FROM orders
SELECT unnest(s, recursive := true) FROM orders
SELECT o.id, u.tag FROM orders o, unnest(o.tags) AS u(tag)
SELECT * FROM orders o, LATERAL (SELECT sum(amount) FROM items i WHERE i.order_id = o.id) t
SELECT * FROM trades t ASOF LEFT JOIN quotes q ON t.symbol = q.symbol AND t.ts >= q.ts
SELECT * FROM trades ASOF JOIN quotes USING (symbol, ts)
SELECT * FROM a POSITIONAL JOIN b
SELECT * FROM a SEMI JOIN b USING (id) ANTI JOIN c ON a.id = c.id
SELECT * FROM a NATURAL FULL JOIN b
SELECT *, row_number() OVER (PARTITION BY a ORDER BY b) AS n FROM t QUALIFY n = 1
SELECT sum(a) FILTER (WHERE b > 1) OVER (w ROWS BETWEEN 2 PRECEDING AND CURRENT ROW EXCLUDE TIES) FROM t WINDOW w AS (PARTITION BY c ORDER BY d)
SELECT last_value(a IGNORE NULLS) OVER (ORDER BY b RANGE BETWEEN INTERVAL 3 DAYS PRECEDING AND CURRENT ROW), fill(a) OVER (ORDER BY b) FROM t
SELECT * FROM t USING SAMPLE reservoir(10 ROWS) REPEATABLE (42)
SELECT * FROM t TABLESAMPLE bernoulli(10%)
SELECT DISTINCT ON (customer_id) * FROM orders ORDER BY customer_id, created_at DESC
SELECT a, b, grouping_id(a, b), sum(c) FROM t GROUP BY GROUPING SETS ((a, b), (a), ())
SELECT a, b, sum(c) FROM t GROUP BY CUBE (a, b) HAVING sum(c) > 0
SELECT a, b, sum(c) FROM t GROUP BY ROLLUP (a, b)
SELECT 1 AS a UNION ALL BY NAME SELECT 2 AS b, 3 AS a
SELECT 1 INTERSECT ALL SELECT 1 EXCEPT ALL SELECT 2
PIVOT orders ON status USING sum(amount) AS total, count(*) AS n GROUP BY customer_id
PIVOT orders ON status IN ('open', 'paid') USING sum(amount)
PIVOT orders ON year(created_at), status USING count(*)
PIVOT orders JOIN customers USING (customer_id) ON status USING sum(amount) ORDER BY 1 LIMIT 5
WITH p AS (PIVOT orders ON status USING sum(amount) GROUP BY customer_id) SELECT * FROM p JOIN customers USING (customer_id)
SELECT * FROM (PIVOT (SELECT status, amount FROM orders) ON status USING sum(amount))
EXPLAIN PIVOT orders ON status
SELECT * FROM orders PIVOT (sum(amount) FOR status IN ('open', 'paid') GROUP BY customer_id)
UNPIVOT t ON COLUMNS(* EXCLUDE (id)) INTO NAME month VALUE sales
UNPIVOT t ON (jan, feb) AS q1, (apr, may) AS q2 INTO NAME quarter VALUE first, second
SELECT * FROM t UNPIVOT INCLUDE NULLS (v FOR n IN (a, b))
SUMMARIZE orders
SUMMARIZE SELECT * FROM orders WHERE id > 3
SELECT column_name, null_percentage FROM (SUMMARIZE orders)
DESCRIBE SELECT * FROM orders
DESCRIBE main.orders
SELECT column_name FROM (DESCRIBE orders)
SHOW ALL TABLES
SHOW DATABASES
SHOW TABLES FROM main
EXPLAIN (FORMAT json) SELECT * FROM orders
EXPLAIN (ANALYZE, FORMAT json) SELECT * FROM orders
EXPLAIN ANALYZE FROM orders WHERE id = 1
WITH RECURSIVE tree(id, depth) AS (SELECT id, 0 FROM nodes WHERE parent IS NULL UNION ALL SELECT n.id, depth + 1 FROM nodes n JOIN tree ON n.parent = tree.id) FROM tree
WITH RECURSIVE c(k, v) USING KEY (k) AS (SELECT 1, 2 UNION SELECT c.k, c.v + 1 FROM c WHERE v < 10) FROM c
WITH RECURSIVE r AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM r) SELECT n FROM r LIMIT 10
WITH RECURSIVE walk AS (SELECT root AS node FROM trees UNION ALL SELECT unnest(node.children) FROM walk) FROM walk
WITH a AS MATERIALIZED (FROM t), b AS NOT MATERIALIZED (FROM a) FROM b
VALUES (1, 'a'), (2, NULL)
SELECT * FROM (VALUES (1, 'a')) v(id, name)
TABLE orders
SELECT total: sum(amount), n: count(*) FROM o: orders
SELECT attrs ->> '$.city', attrs -> 'a', json_extract_string(attrs, '$.b'), attrs.a::VARCHAR FROM customers
SELECT CAST(a AS DECIMAL(18, 2)), b::STRUCT(x INTEGER, y VARCHAR[]), c::MAP(VARCHAR, INTEGER), TRY_CAST(d AS DATE), e::ENUM('a', 'b'), f::INTEGER[3], g::TIMESTAMPTZ FROM t
SELECT extract(year FROM d), date_trunc('month', d), d AT TIME ZONE 'UTC', d + INTERVAL 1 MONTH, current_date, time_bucket(INTERVAL '15 minutes', d) FROM t
SELECT position('a' IN b), substring(a FROM 1 FOR 2), trim(BOTH 'x' FROM a), overlay(a PLACING b FROM 1 FOR 2), a COLLATE nocase FROM t
SELECT a ~ '^x', a !~ 'y', a NOT ILIKE '%z', a GLOB '*', regexp_extract(a, '(\d+)', 1), a LIKE 'x!%' ESCAPE '!' FROM t
SELECT string_agg(DISTINCT a, ', ' ORDER BY a DESC), array_agg(a ORDER BY b), percentile_cont(0.5) WITHIN GROUP (ORDER BY a), mode() WITHIN GROUP (ORDER BY b) FROM t
SELECT arg_max(a, b, 3), approx_quantile(a, 0.9), histogram(a), any_value(b), count_if(a > 1), list(b) FROM t
SELECT * FROM range(10) r(n), generate_series(DATE '2024-01-01', DATE '2024-02-01', INTERVAL 1 DAY) g(d)
SELECT a.lower().trim(), 'x'.upper(), tags.list_sort() FROM t a
SELECT 1_000_000 + 0.5e3, x'ab', $$it's ; here$$, E'a\n', #1, -a ** 2, a // b, a % b, a << 1, ~a, a & b, a | b FROM t
SELECT a = ANY (SELECT b FROM u), a > ALL (SELECT b FROM u), a IN [1, 2], (a, b) IN (SELECT 1, 2), EXISTS (FROM u) FROM t
SELECT try(1 / a), ifnull(a, 0), nullif(a, b), CASE a WHEN 1 THEN 'x' ELSE 'y' END, if(a, b, c), a IS DISTINCT FROM b FROM t
SELECT "orders"."id" AS "id", SUM("orders"."amount") AS "sum" FROM "main"."orders" WHERE "orders"."created_at" >= DATE_TRUNC('month', NOW()) GROUP BY "orders"."id" ORDER BY "orders"."id" ASC LIMIT 2000
SELECT "source"."created_at" AS "created_at", COUNT(*) AS "count" FROM (SELECT DATE_TRUNC('day', "main"."orders"."created_at") AS "created_at" FROM "main"."orders") AS "source" GROUP BY "source"."created_at" LIMIT 1048575
SELECT anon_1.id AS anon_1_id FROM (SELECT orders.id AS id FROM orders WHERE orders.status IN ('a', 'b')) AS anon_1 LEFT OUTER JOIN items AS items_1 ON anon_1.id = items_1.order_id
WITH base AS (SELECT * FROM orders), ranked AS (SELECT *, dense_rank() OVER (PARTITION BY status ORDER BY amount DESC) AS r FROM base) SELECT status, max_by(id, amount) FROM ranked WHERE r <= 3 GROUP BY status
SELECT table_schema, table_name FROM information_schema.tables WHERE table_type = 'BASE TABLE' ORDER BY 1, 2
SELECT database_name, table_name, estimated_size FROM duckdb_tables() WHERE NOT internal
SELECT * FROM t AT (VERSION => 3)
SELECT count(*) FROM "weird ""table""" AS "x.y"
FROM t SELECT * LIMIT 10%
PRAGMA table_info('orders')
PRAGMA database_list
