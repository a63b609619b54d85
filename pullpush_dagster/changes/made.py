"""What records name, made for them: noted before it is asked for, so that nobody makes it once more meanwhile."""

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import duckdb

from pullpush_dagster.store import named_sql

_SQL = named_sql(__package__, "made.sql")
_KEPT = dt.timedelta(days=1)


class Made(NamedTuple):
    """What was made, or may be: a look-up asked before ``settles_at`` need not find it. ``id``: None, nobody told."""

    id: str | None
    settles_at: dt.datetime


def begin(
    con: duckdb.DuckDBPyConnection,
    to: str,
    reference: str,
    values: Sequence[str],
    asked_at: dt.datetime,
    until: dt.datetime,
) -> dict[str, Made]:
    """Those of ``values`` that a look-up asked at ``asked_at`` need not have found.

    The others are the caller's to make; noted as if made at ``until``, in case it dies over them.
    """
    con.execute(_SQL["forget"], {"old": asked_at - _KEPT})
    asked = {"to": to, "reference": reference, "values": [*values], "asked_at": asked_at}
    made = {value: Made(id_, settles_at) for value, id_, settles_at in con.execute(_SQL["made"], asked).fetchall()}
    note(con, to, reference, {value: Made(None, until) for value in values if value not in made})
    return made


def note(con: duckdb.DuckDBPyConnection, to: str, reference: str, made: Mapping[str, Made | None]) -> None:
    """What became of values; None: certainly nothing."""
    of = {"to": to, "reference": reference}
    con.execute(_SQL["drop"], {**of, "values": [*made]})
    known = {value: one for value, one in made.items() if one is not None}
    if known:
        ids, settles = zip(*known.values(), strict=True)
        con.execute(_SQL["note"], {**of, "values": [*known], "ids": [*ids], "settles": [*settles]})
