"""How long the guard thinks, by dialect, in milliseconds of processor time: python tests/bench/guard.py."""

import statistics
import sys
import time
from typing import Final

from colonnade.server.guard import judge

DIALECTS: Final = ("postgres", "mysql", "tsql", "oracle", "snowflake", "sqlite", "duckdb", "")

SHORT: Final = "SELECT id, name FROM customers WHERE region = 'EU'"

ONE: Final = (
    "c{n} AS (SELECT o.customer_id, COUNT(*) AS orders, SUM(o.amount) AS total, MAX(o.created_at) AS latest, "
    "ROW_NUMBER() OVER (PARTITION BY o.customer_id ORDER BY o.created_at DESC) AS place FROM orders o "
    "JOIN customers k ON k.id = o.customer_id WHERE o.amount > {n} AND k.region IN ('EU', 'US') GROUP BY o.customer_id)"
)

LONG: Final = (
    "WITH "
    + ", ".join(ONE.format(n=n) for n in range(9))
    + " SELECT c0.customer_id, c0.total FROM c0 "
    + " ".join(f"LEFT JOIN c{n} ON c{n}.customer_id = c0.customer_id" for n in range(1, 9))
)
"""Nine CTEs with windows and joins, 3 kB."""


def measure(text: str, dialect: str, times: int) -> tuple[float, float]:
    """Return the median and the 95th percentile, in milliseconds."""
    judge(text, dialect)
    took: list[float] = []
    for _ in range(times):
        started = time.process_time()
        judge(text, dialect)
        took.append((time.process_time() - started) * 1000)
    return statistics.median(took), statistics.quantiles(took, n=20)[-1]


def main(times: int) -> None:
    sys.stdout.write(f"{'dialect':<12}{'short p50':>10}{'p95':>8}{f'{len(LONG):,} chars p50':>20}{'p95':>8}\n")
    for dialect in DIALECTS:
        short, long = measure(SHORT, dialect, times), measure(LONG, dialect, max(2, times // 10))
        sys.stdout.write(f"{dialect or '(none)':<12}{short[0]:>10.3f}{short[1]:>8.3f}{long[0]:>20.2f}{long[1]:>8.2f}\n")


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1000)
