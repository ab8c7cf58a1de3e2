"""Many rows in one statement, past the ORM: what intake and the jobs of the history write.

SQLite takes a prepared statement with many rows. PostgreSQL takes one array a column, which is
as fast as COPY and can, other than COPY, step over rows that are there already.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

from sqlalchemy import JSON, BigInteger, Double, Integer, LargeBinary, SmallInteger, String, Table
from sqlalchemy.orm import Session

from models.base import Base

_ARRAYS = (
    (SmallInteger, "int2[]"),
    (BigInteger, "int8[]"),
    (Integer, "int4[]"),
    (Double, "float8[]"),
    (LargeBinary, "bytea[]"),
    (JSON, "text[]::jsonb[]"),
    (String, "text[]"),
)


def insert(
    session: Session,
    table: type[Base],
    columns: Sequence[str],
    rows: Sequence[tuple[Any, ...]],
    otherwise: str = "NOTHING",
) -> None:
    """Inserts ``rows`` (values in the order of ``columns``; JSON as text). A row whose primary
    key is there already stays as it is; ``otherwise`` "UPDATE" takes over the new one's values,
    and the keys of ``rows`` are then distinct."""
    if not rows:
        return
    connection = session.connection()
    statement = _insert(table, tuple(columns), otherwise, connection.dialect.name)
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql(statement, tuple(list(c) for c in zip(*rows, strict=True)))
    else:
        connection.exec_driver_sql(statement, list(rows))


@cache
def _insert(table: type[Base], columns: tuple[str, ...], otherwise: str, dialect: str) -> str:
    described = table.metadata.tables[table.__tablename__]
    keys = [column.name for column in described.primary_key]
    names = ", ".join(f'"{name}"' for name in columns)
    if otherwise == "UPDATE":
        given = ", ".join(f'"{n}" = excluded."{n}"' for n in columns if n not in keys)
        otherwise = f"UPDATE SET {given}"
    if dialect == "postgresql":
        arrays = ", ".join(f"%b::{_array(described, name)}" for name in columns)
        source = f"SELECT * FROM unnest({arrays})"  # noqa: S608 - names of our own tables
    else:
        source = f"VALUES ({', '.join('?' * len(columns))})"
    target = f"({', '.join(keys)}) " if "UPDATE" in otherwise else ""
    return f"INSERT INTO {described.name} ({names}) {source} ON CONFLICT {target}DO {otherwise}"


def _array(table: Table, column: str) -> str:
    kind = table.c[column].type
    return next(array for type_, array in _ARRAYS if isinstance(kind, type_))
