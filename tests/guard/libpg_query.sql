-- Honest statements, one a paragraph: recent features, and what BI tools and ORMs send.

SELECT ANY_VALUE(name), count(*) FROM customers GROUP BY region

SELECT 1_000_000 + 0xFF + 0o17 + 0b11 AS n

SELECT * FROM (SELECT 1 AS a)

SELECT id IS JSON, doc IS NOT JSON ARRAY, doc IS JSON OBJECT WITH UNIQUE KEYS FROM docs

SELECT JSON_OBJECT('id': id, 'name': name ABSENT ON NULL RETURNING jsonb) FROM customers

SELECT JSON_ARRAY(1, 'a', NULL NULL ON NULL), JSON_ARRAY(SELECT id FROM customers)

SELECT JSON_ARRAYAGG(name ORDER BY name RETURNING jsonb), JSON_OBJECTAGG(id: name WITH UNIQUE) FROM customers

SELECT JSON_VALUE(doc, '$.price' RETURNING numeric DEFAULT 0 ON EMPTY NULL ON ERROR) FROM docs

SELECT JSON_QUERY(doc, '$.items[*]' WITH CONDITIONAL WRAPPER KEEP QUOTES) FROM docs

SELECT JSON_EXISTS(doc, '$.items[*] ? (@.price > $p)' PASSING 10 AS p) FROM docs

SELECT JSON(body), JSON_SCALAR(1.5), JSON_SERIALIZE(doc RETURNING bytea) FROM docs

SELECT jt.* FROM docs, JSON_TABLE(doc, '$.items[*]' PASSING 3 AS n COLUMNS (id FOR ORDINALITY, sku text PATH '$.sku', qty int PATH '$.qty' DEFAULT 0 ON EMPTY, has boolean EXISTS PATH '$.x', NESTED PATH '$.tags[*]' COLUMNS (tag text PATH '$'))) AS jt

SELECT created_at AT LOCAL, system_user FROM orders

SELECT uuidv7(), uuidv4(), uuid_extract_timestamp(id) FROM events

SELECT casefold(name), crc32(body), reverse(body) FROM docs

SELECT array_sort(tags), array_reverse(tags) FROM docs

SELECT random(1, 6), random_normal(0, 1)

SELECT to_bin(5), to_oct(8), to_hex(255)

SELECT date_add(now(), '1 day', 'Europe/Paris'), date_bin('15 minutes', created_at, TIMESTAMP '2000-01-01') FROM orders

SELECT 'infinity'::interval, make_interval(days => 3)

SELECT jsonb_path_query(doc, '$.a.datetime().timestamp_tz()') FROM docs

SELECT doc['a']['b'][0], (doc).*, ARRAY(SELECT id FROM orders) FROM docs

EXPLAIN (ANALYZE, VERBOSE, COSTS, SETTINGS, BUFFERS, WAL, TIMING, SUMMARY, MEMORY, SERIALIZE text, FORMAT json) SELECT * FROM orders

EXPLAIN (GENERIC_PLAN) SELECT * FROM orders WHERE id = $1

EXPLAIN ANALYZE VERBOSE TABLE orders

EXPLAIN VALUES (1), (2)

SHOW ALL

SHOW TIME ZONE

SHOW my_extension.setting

WITH RECURSIVE t(id, parent, depth) AS (SELECT id, parent, 0 FROM nodes WHERE parent IS NULL UNION ALL SELECT n.id, n.parent, depth + 1 FROM nodes n JOIN t ON n.parent = t.id) SEARCH DEPTH FIRST BY id SET ordercol CYCLE id SET is_cycle TO true DEFAULT false USING path SELECT * FROM t ORDER BY ordercol

WITH a AS MATERIALIZED (SELECT 1 AS x), b AS NOT MATERIALIZED (SELECT x FROM a) (SELECT x FROM b) EXCEPT TABLE a

WITH RECURSIVE n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < 100) SELECT sum(i) FROM n

WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i FROM n LIMIT 10

WITH RECURSIVE r(j) AS (SELECT doc FROM docs UNION ALL SELECT c FROM r, LATERAL jsonb_array_elements(j->'kids') c) SELECT * FROM r

SELECT region, grouping(region), sum(amount) FROM orders GROUP BY DISTINCT CUBE (region, status), ROLLUP (year), ()

SELECT sum(x) OVER (w ROWS BETWEEN 2 PRECEDING AND CURRENT ROW EXCLUDE TIES), nth_value(x, 2) OVER w, lag(x) OVER w FROM t WINDOW w AS (PARTITION BY a ORDER BY b RANGE BETWEEN '1 day' PRECEDING AND UNBOUNDED FOLLOWING)

SELECT * FROM a NATURAL LEFT JOIN b FULL JOIN c USING (id) AS j CROSS JOIN LATERAL (SELECT a.id) AS d

SELECT * FROM ROWS FROM (unnest(ARRAY[1, 2]), json_to_recordset('[]') AS (a int, b text COLLATE "C")) WITH ORDINALITY AS r

SELECT * FROM t TABLESAMPLE BERNOULLI (1.5) REPEATABLE (42), s TABLESAMPLE pg_catalog.system (10)

SELECT x.* FROM docs, XMLTABLE(XMLNAMESPACES('http://x' AS n), '/n:a' PASSING body COLUMNS id int PATH '@id' NOT NULL, o FOR ORDINALITY, v text DEFAULT '-') AS x

SELECT xmlelement(name a, xmlattributes(id AS i), xmlforest(name)), xmlserialize(CONTENT body AS text INDENT), xmlconcat(a, b), xmlparse(DOCUMENT '<a/>'), xmlpi(name php, 'x'), xmlroot(body, version '1.0'), body IS DOCUMENT FROM docs

SELECT extract(epoch FROM age(now(), created_at)), position('a' IN name), trim(LEADING 'x' FROM name), substring(name FROM 2 FOR 3), substring(name SIMILAR '%#"a#"%' ESCAPE '#'), overlay(name PLACING 'x' FROM 1), normalize(name, NFKC), name IS NFC NORMALIZED, collation for (name) FROM customers

SELECT (a, b) OVERLAPS (c, d), ROW(1, 2) = ROW(a, b), (a, b) IN ((1, 2)), a IS DISTINCT FROM b FROM t

SELECT greatest(a, b), least(a, 1), coalesce(a, b), nullif(a, 0), a BETWEEN SYMMETRIC 2 AND 1 FROM t

SELECT * FROM t WHERE name LIKE 'a!%' ESCAPE '!' AND name NOT SIMILAR TO '(a|b)%' AND name ~* ALL (ARRAY['x'])

SELECT * FROM t WHERE a = ANY ($1) AND b OPERATOR(pg_catalog.=) 3 AND (c, d) >= ALL (SELECT 1, 2)

SELECT percentile_disc(ARRAY[0.25, 0.5]) WITHIN GROUP (ORDER BY x), rank(5) WITHIN GROUP (ORDER BY x DESC) FROM t

SELECT a FROM t ORDER BY a USING >, b NULLS FIRST FETCH FIRST 3 ROWS WITH TIES

SELECT E'a\'b', U&'d!0061t!+000061' UESCAPE '!', $q$it's$q$, B'101', X'1F', N'n', 'a'
'b', U&"d\0061t" FROM t

SELECT /* a /* b */ ; DROP TABLE t */ 1 -- ; DROP TABLE t

SELECT CAST(a AS numeric(10, 2)), b::timestamptz(3), INTERVAL '1' YEAR, DATE '2026-01-01', c::shop.mood[], 't'::regclass FROM t

SELECT CASE x WHEN 1 THEN 'a' ELSE 'b' END, CASE WHEN x > 1 THEN NULL END, t.* FROM ONLY shop.t AS t (x, y)

SELECT FROM t

((SELECT 1)) UNION ALL (VALUES (2) ORDER BY 1 LIMIT 1) INTERSECT SELECT 3

SELECT name AS "select", "Weird Name", "update" FROM "Delete"."Table"

SELECT * FROM shop.orders AS o LEFT OUTER JOIN (customers AS c JOIN regions AS r ON r.id = c.region) ON c.id = o.customer;

SELECT "orders"."status" AS "status", SUM("orders"."amount") AS "sum:amount:ok" FROM "public"."orders" "orders" WHERE (CAST("orders"."created_at" AS DATE) >= (DATE '2026-01-01')) GROUP BY 1 HAVING (COUNT(1) > 0)

SELECT CAST(EXTRACT(YEAR FROM "t"."d") AS INTEGER) AS "yr:d:ok", DATE_TRUNC( 'QUARTER', CAST("t"."d" AS TIMESTAMP) ) AS "tqr:d:ok" FROM (SELECT * FROM "public"."t") "t" GROUP BY 1, 2

SELECT "source"."m" AS "m", SUM("source"."amount") AS "sum" FROM (SELECT DATE_TRUNC('month', "public"."orders"."created_at") AS "m", "public"."orders"."amount" AS "amount" FROM "public"."orders") AS "source" GROUP BY "source"."m" ORDER BY "source"."m" ASC LIMIT 2000

SELECT COUNT(*) AS "count" FROM "public"."orders" WHERE "public"."orders"."created_at" >= DATE_TRUNC('month', (NOW() + INTERVAL '-12 month')) AND CAST("public"."orders"."created_at" AS timestamptz) < NOW()

SELECT DATE_TRUNC('day', created_at) AS __timestamp, region AS region, SUM(amount) AS "SUM(amount)" FROM (SELECT * FROM public.orders) AS virtual_table WHERE created_at >= TO_TIMESTAMP('2026-01-01 00:00:00.000000', 'YYYY-MM-DD HH24:MI:SS.US') GROUP BY DATE_TRUNC('day', created_at), region ORDER BY "SUM(amount)" DESC LIMIT 50000

SELECT (DATE(orders.created_at AT TIME ZONE 'UTC' AT TIME ZONE 'America/New_York')) AS "orders.created_date", COALESCE(SUM(orders.amount ), 0) AS "orders.total" FROM public.orders AS orders WHERE ((( orders.created_at ) >= ((DATE_TRUNC('day', CURRENT_TIMESTAMP) + (-29 || ' day')::INTERVAL)))) GROUP BY 1 FETCH NEXT 500 ROWS ONLY

WITH orders AS (SELECT * FROM analytics.fct_orders) SELECT COUNT(DISTINCT orders.id ) AS n FROM orders WHERE (orders.status ~ '^p') IS TRUE

SELECT "auth_user"."id", "auth_user"."email", COUNT("orders"."id") AS "n" FROM "auth_user" LEFT OUTER JOIN "orders" ON ("auth_user"."id" = "orders"."user_id") WHERE UPPER("auth_user"."email"::text) LIKE UPPER('%a%') GROUP BY "auth_user"."id" ORDER BY "n" DESC LIMIT 21

SELECT (1) AS "a" FROM "shop_order" WHERE ("shop_order"."data" -> 'k') = '"v"'::jsonb AND "shop_order"."id" IN (SELECT U0."id" FROM "shop_order" U0 WHERE U0."total" > 5) LIMIT 1

select o1_0.id,o1_0.amount,c1_0.name from orders o1_0 left join customers c1_0 on c1_0.id=o1_0.customer_id where o1_0.status=$1 order by o1_0.id offset $1 rows fetch first $1 rows only

select distinct on (c1_0.id) c1_0.id, cast(c1_0.a as varchar(255)) from customers c1_0 where c1_0.tags @> array['x']::varchar[]

SELECT "public"."User"."id", "public"."User"."email" FROM "public"."User" WHERE ("public"."User"."email" ILIKE $1 AND ("public"."User"."id") IN (SELECT "t1"."userId" FROM "public"."Post" AS "t1" WHERE ("t1"."published" = $2 AND "t1"."userId" IS NOT NULL))) ORDER BY "public"."User"."id" ASC LIMIT $3 OFFSET $4

SELECT "t0"."id", COALESCE("__agg"."data", '[]'::jsonb) FROM "User" AS "t0" LEFT JOIN LATERAL (SELECT JSONB_AGG("__t"."j") AS "data" FROM (SELECT JSONB_BUILD_OBJECT('id', "t1"."id") AS "j" FROM "Post" AS "t1" WHERE "t0"."id" = "t1"."userId") AS "__t") AS "__agg" ON TRUE

SELECT orders.id AS orders_id, anon_1.n AS anon_1_n FROM orders JOIN (SELECT customer_id, count('*') AS n FROM orders GROUP BY customer_id) AS anon_1 ON anon_1.customer_id = orders.customer_id

SELECT 1 AS one FROM "users" WHERE "users"."email" = $1 AND "users"."deleted_at" IS NULL LIMIT $2

SELECT n.nspname, c.relname, a.attname, format_type(a.atttypid, a.atttypmod), pg_get_expr(d.adbin, d.adrelid) FROM pg_catalog.pg_attribute a JOIN pg_catalog.pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace LEFT JOIN pg_attrdef d ON (d.adrelid, d.adnum) = (a.attrelid, a.attnum) WHERE c.oid = 't'::regclass AND a.attnum OPERATOR(pg_catalog.>) 0 COLLATE pg_catalog.default

SELECT floor(extract(epoch from created_at)/300)*300 AS time FROM t

SELECT time_bucket, avg(value) FILTER (WHERE value IS NOT NULL) FROM metrics GROUP BY 1

SELECT to_char(d, 'YYYY-"W"IW'), sum(n) FROM generate_series('2020-01-01'::date, '2026-12-31', '1 week') AS g(d) LEFT JOIN orders ON date_trunc('week', created_at) = d GROUP BY 1

SELECT width_bucket(amount, 0, 100, 10) AS bucket, count(*), regr_slope(y, x), corr(y, x), stddev_samp(x) FROM t GROUP BY 1

SELECT ts_headline('english', body, q), ts_rank_cd(tsv, q) FROM docs, websearch_to_tsquery('a or b') q WHERE tsv @@ q

SELECT d.id, r @> 5, range_agg(r), r -|- '[1,2)'::int4range, lower(r), multirange(r) FROM d GROUP BY 1, 2

SELECT pg_column_toast_chunk_id(body), pg_get_acl('pg_class'::regclass, 't'::regclass, 0), gamma(5), lgamma(3) FROM docs

SELECT u.id, array_agg(DISTINCT o.id ORDER BY o.id) FILTER (WHERE o.id IS NOT NULL) AS ids FROM users u LEFT JOIN LATERAL ROWS FROM (unnest(u.order_ids)) AS o (id) ON true GROUP BY u.id HAVING bool_and(o.id > 0) IS NOT FALSE

with recursive months(m) as (select date '2026-01-01' union all select (m + interval '1 month')::date from months where m < date '2026-12-01') select m, count(o.id) from months left join orders o on date_trunc('month', o.created_at) = m group by m order by m

SELECT * FROM crosstab_source PIVOTED WHERE (doc -> 'a' ->> 'b')::int >= ALL (VALUES (1), (2)) AND doc @? '$.a[*] ? (@ > 2)' AND doc @@ '$.b == 1'
