"""The catalog, from the ALL_ views alone: they show what the login may see, and need no privilege of their own."""

from collections.abc import Callable, Iterable, Mapping
from time import time
from typing import Any, Final, cast

from ...model import Catalog, Column, ForeignKey, Index, Table, TableKind
from .driver import Row

Place = tuple[str, str]
"""Schema and name."""

# Oracle's own schemas are dozens. Sorting is left to Python: a LONG (a default, an expression) does not go through one.
OURS: Final = "in (select username from all_users where oracle_maintained = 'N')"

TABLES: Final = f"""
select t.owner, t.table_name,
       case when m.mview_name is not null then 'materialized' when x.table_name is not null then 'external'
           else 'table' end as kind,
       nvl(n.comments, c.comments) as comments, t.num_rows
from all_tables t
left join all_mviews m on m.owner = t.owner and m.mview_name = t.table_name
left join all_external_tables x on x.owner = t.owner and x.table_name = t.table_name
left join all_tab_comments c on c.owner = t.owner and c.table_name = t.table_name
left join all_mview_comments n on n.owner = t.owner and n.mview_name = t.table_name
where t.nested = 'NO' and t.secondary = 'N' and t.dropped = 'NO' and nvl(t.iot_type, 'IOT') = 'IOT'
  and t.owner {OURS}
union all
select v.owner, v.view_name, 'view', c.comments, null
from all_views v left join all_tab_comments c on c.owner = v.owner and c.table_name = v.view_name
where v.owner {OURS}
"""  # noqa: S608 - our own text
COLUMNS: Final = f"""
select c.owner, c.table_name, c.column_id, c.column_name, c.data_type, c.data_type_owner, c.data_length, c.char_length,
       c.char_used, c.data_precision, c.data_scale, c.nullable, m.comments, c.virtual_column, c.identity_column,
       c.data_default
from all_tab_cols c
left join all_col_comments m on m.owner = c.owner and m.table_name = c.table_name and m.column_name = c.column_name
where c.hidden_column = 'NO' and c.owner {OURS}
"""  # noqa: S608 - our own text
KEYS: Final = f"""
select c.owner, c.table_name, c.constraint_name, c.constraint_type, c.r_owner, c.r_constraint_name,
       k.position, k.column_name
from all_constraints c
join all_cons_columns k on k.owner = c.owner and k.constraint_name = c.constraint_name
where c.constraint_type in ('P', 'U', 'R') and c.owner {OURS}
"""  # noqa: S608 - our own text
INDEXES: Final = f"""
select i.table_owner, i.table_name, i.owner, i.index_name, i.uniqueness, c.column_position, c.column_name, c.descend,
       e.column_expression
from all_indexes i
join all_ind_columns c on c.index_owner = i.owner and c.index_name = i.index_name
left join all_ind_expressions e on e.index_owner = c.index_owner and e.index_name = c.index_name
    and e.column_position = c.column_position
where i.index_type not in ('LOB', 'IOT - TOP', 'CLUSTER') and i.table_owner {OURS}
  and not exists (
    select 1 from all_constraints k
    where k.owner = i.table_owner and k.table_name = i.table_name and k.constraint_type in ('P', 'U')
      and k.index_name = i.index_name and nvl(k.index_owner, i.owner) = i.owner
)
"""  # noqa: S608 - our own text
# LAST_DDL_TIME moves with every DDL and GRANT on an object, and with no INSERT; but it counts whole seconds, and a
# comment does not move it. So columns, constraints and comments are hashed too; a comment by itself, since it may fill
# the 4,000 bytes of a text alone.
FINGERPRINT: Final = f"""
select
    (select count(*) || ':' || sum(ora_hash(o.owner || '.' || o.object_name || '.' || o.object_type || '.'
        || o.object_id || '.' || to_char(o.last_ddl_time, 'YYYYMMDDHH24MISS')))
     from all_objects o where o.object_type in ('TABLE', 'VIEW', 'MATERIALIZED VIEW', 'INDEX', 'TYPE')
       and o.owner {OURS}) as objects,
    (select count(*) || ':' || sum(ora_hash(c.owner || '.' || c.table_name || '.' || c.column_name || '.' || c.data_type
        || '.' || c.data_length || '.' || c.char_length || '.' || c.data_precision || '.' || c.data_scale || '.'
        || c.nullable || '.' || c.default_length || '.' || c.column_id || '.' || c.virtual_column))
     from all_tab_cols c where c.owner {OURS}) as columns,
    (select count(*) || ':' || sum(ora_hash(k.owner || '.' || k.constraint_name || '.' || k.constraint_type || '.'
        || k.table_name || '.' || k.r_owner || '.' || k.r_constraint_name || '.'
        || to_char(k.last_change, 'YYYYMMDDHH24MISS')))
     from all_constraints k where k.constraint_type in ('P', 'U', 'R') and k.owner {OURS}) as keys,
    (select count(*) || ':' || sum(mod(ora_hash(t.owner || '.' || t.table_name) * ora_hash(t.comments), 4294967291))
     from all_tab_comments t where t.comments is not null and t.owner {OURS}) as tables,
    (select count(*) || ':' || sum(mod(ora_hash(d.owner || '.' || d.table_name || '.' || d.column_name)
        * ora_hash(d.comments), 4294967291))
     from all_col_comments d where d.comments is not null and d.owner {OURS}) as descriptions,
    (select count(*) || ':' || sum(mod(ora_hash(n.owner || '.' || n.mview_name) * ora_hash(n.comments), 4294967291))
     from all_mview_comments n where n.comments is not null and n.owner {OURS}) as snapshots,
    sys_context('USERENV', 'CURRENT_SCHEMA') as default_schema
from dual
"""  # noqa: S608 - our own text


def fingerprint_of(facts: list[Row]) -> str:
    return "/".join(str(fact) for fact in facts[0])


def catalog_of(found: list[list[Row]]) -> Catalog:
    tables, columns, keys, indexes, facts = found
    # Where a materialized view and its table both stand, or a comment twice, the first one is it.
    rows = {(row[0], row[1]): row for row in sorted(tables, key=lambda row: (row[0], row[1]))}
    columns_of = _grouped(columns, lambda row: row[2] or 0)
    indexes_of = _grouped(indexes, lambda row: (row[3], row[2], row[5]))
    primary, unique, foreign = _keys(keys, rows)
    return Catalog(
        tables=tuple(
            Table(
                schema=place[0],
                name=place[1],
                kind=cast("TableKind", row[2]),
                comment=row[3],
                rows=None if row[4] is None else int(row[4]),
                columns=tuple(map(_column, columns_of.get(place, ()))),
                primary_key=primary.get(place, ()),
                foreign_keys=tuple(foreign.get(place, ())),
                unique=tuple(unique.get(place, ())),
                indexes=tuple(_indexes(indexes_of.get(place, ()))),
            )
            for place, row in rows.items()
        ),
        fingerprint=fingerprint_of(facts),
        read_at=time(),
        default_schema=str(facts[0][-1] or ""),
    )


def _grouped(rows: Iterable[Row], order: Callable[[Row], Any]) -> dict[Place, list[Row]]:
    """Sort the rows of each table, which is named in their first two columns."""
    found: dict[Place, list[Row]] = {}
    for row in sorted(rows, key=order):
        found.setdefault((row[0], row[1]), []).append(row)
    return found


def _column(row: Row) -> Column:
    name, nullable, comment, virtual, identity, default = row[3], row[11], row[12], row[13], row[14], row[15]
    # An identity's default names the sequence that was made for it.
    text = None if identity == "YES" or default is None else str(default).strip()
    return Column(
        name,
        _type(row),
        nullable=nullable == "Y",
        default=None if text == "NULL" else text,
        comment=comment,
        generated="YES" in (virtual, identity),
    )


def _type(row: Row) -> str:  # noqa: PLR0911 - one return for each kind of type
    """Write a type as its DDL does."""
    kind, owner, length, characters, used, precision, scale = row[4:11]
    match kind:
        case "NUMBER":
            digits = "*" if precision is None else int(precision)
            if scale is None:
                return kind
            return f"NUMBER({digits},{int(scale)})" if scale or precision is None else f"NUMBER({digits})"
        case "FLOAT":
            return f"FLOAT({int(precision)})"
        case "VARCHAR2" | "CHAR":
            return f"{kind}({int(characters)} CHAR)" if used == "C" else f"{kind}({int(length)})"
        case "NVARCHAR2" | "NCHAR":
            return f"{kind}({int(characters)})"
        case "RAW" | "UROWID":
            return f"{kind}({int(length)})"
        case _:
            return str(kind) if owner is None or kind == "XMLTYPE" else f"{owner}.{kind}"


def _keys(
    rows: Iterable[Row], tables: Mapping[Place, object]
) -> tuple[dict[Place, tuple[str, ...]], dict[Place, list[tuple[str, ...]]], dict[Place, list[ForeignKey]]]:
    """Put primary, unique and foreign keys together; one that leads to a table out of sight is left out."""
    heads: dict[Place, Row] = {}
    columns: dict[Place, list[str]] = {}
    for row in sorted(rows, key=lambda row: (row[0], row[1], row[2], row[6] or 0)):
        heads.setdefault((row[0], row[2]), row)
        columns.setdefault((row[0], row[2]), []).append(row[7])
    primary: dict[Place, tuple[str, ...]] = {}
    unique: dict[Place, list[tuple[str, ...]]] = {}
    foreign: dict[Place, list[ForeignKey]] = {}
    for key, (owner, table, _, kind, owner_there, key_there, *_) in heads.items():
        names = tuple(columns[key])
        if kind == "P":
            primary[owner, table] = names
        elif kind == "U":
            unique.setdefault((owner, table), []).append(names)
        elif (there := heads.get((owner_there, key_there))) and (there[0], there[1]) in tables:
            names_there = tuple(columns[owner_there, key_there])
            foreign.setdefault((owner, table), []).append(ForeignKey(names, there[0], there[1], names_there))
    return primary, unique, foreign


def _indexes(rows: Iterable[Row]) -> Iterable[Index]:
    """Put indexes together; a column that counts down is an expression to Oracle, and its text the column's name."""
    found: dict[Place, tuple[bool, list[str]]] = {}
    for _, _, owner, name, uniqueness, _, column, descend, expression in rows:
        text = column if expression is None else str(expression).strip()
        if descend == "DESC":
            text = f"{text.strip(chr(34))} desc"
        found.setdefault((owner, name), (uniqueness == "UNIQUE", []))[1].append(text)
    for (_, name), (unique, columns) in found.items():
        yield Index(name, tuple(columns), unique)
