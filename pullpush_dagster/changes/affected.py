"""What a destination changes by itself, as a shop lowers its stock when it sells: noted, until that is sent again."""

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import duckdb
import pyarrow as arrow

from pullpush_dagster.changes.taken import Claimed
from pullpush_dagster.store import named_sql
from pullpush_dagster.store.sql import used

_SQL = named_sql(__package__, "affected.sql")
# Noted as of then, a key is sent again whatever its source said last: any reading of it is later.
AT_ONCE = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)


@dataclass(frozen=True)
class Affected:
    """What an accepted record changes at its source by itself, as an order lowers the stock of its shop.

    Attributes:
        path: of the other entity's key in the record: ``lineItems.sku``.
        pushes: connection the record came from -> pushes that send that entity there.
    """

    path: str
    pushes: Mapping[str, Sequence[str]]


def note_affected(
    con: duckdb.DuckDBPyConnection, affected: Affected, accepted: Iterable[Claimed], now: dt.datetime
) -> None:
    """Remember what ``accepted`` records changed at their source, for the pushes that go there."""
    field, _, part = affected.path.partition(".")
    touched = {
        (push, line[part])
        for row in accepted
        for push in affected.pushes.get(row.source.partition("/")[0], ())
        for fields in (row.accepted, row.desired)
        for line in fields.get(field) or []
        if line.get(part) is not None
    }
    if touched:
        names, values = zip(*sorted(touched), strict=True)
        con.register("touched", arrow.table({"push": names, "field": [part] * len(names), "value": values}))
        for step in ("forget", "note"):
            con.execute(_SQL[step], used(_SQL[step], {"now": now, "at_once": AT_ONCE}))
        con.unregister("touched")
