"""Questions straight to the driver, for the queries that charts wait for: building and compiling
them anew would take longer than the database does.

SQL is written as for PostgreSQL with ``?`` for a parameter and ``= ANY(?)`` for one of a list of
whole numbers, which SQLite gets as a JSON array.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from functools import cache
from itertools import chain
from typing import Any

import numpy as np
from sqlalchemy.orm import Session

from services.history.codec import Floats


def rows(session: Session, sql: str, *parameters: Any) -> list[tuple[Any, ...]]:
    """The rows that ``sql`` finds, in the session's transaction."""
    connection = session.connection()
    dialect = connection.dialect.name
    if dialect == "sqlite":
        parameters = tuple(json.dumps(p) if isinstance(p, list) else p for p in parameters)
    with connection.exec_driver_sql(_written(sql, dialect), parameters) as result:
        return list(result.cursor.fetchall())


def numbers(session: Session, sql: str, *parameters: Any) -> Floats:
    """The rows of a query of numbers as an array; NULL is NaN."""
    found = rows(session, sql, *parameters)
    columns = len(found[0]) if found else 1
    values: Iterable[float | None] = chain.from_iterable(found)
    try:
        flat = np.fromiter(values, np.float64, len(found) * columns)
    except TypeError:  # a NULL among them, which is rare
        values = (np.nan if v is None else v for v in chain.from_iterable(found))
        flat = np.fromiter(values, np.float64, len(found) * columns)
    return flat.reshape(-1, columns)


@cache
def _written(sql: str, dialect: str) -> str:
    if dialect == "sqlite":
        return sql.replace("= ANY(?)", "IN (SELECT value FROM json_each(?))")
    return sql.replace("= ANY(?)", "= ANY(%b::int4[])").replace("?", "%b")
