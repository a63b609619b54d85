"""Pictures and samples for the UI."""

from collections.abc import Sequence

import dagster as dg

from pullpush_dagster.canonical import ENTITIES, Entity
from pullpush_dagster.canonical.types import Scalar
from pullpush_dagster.config import Pull
from pullpush_dagster.readback import Drift
from pullpush_dagster.store import Store
from pullpush_dagster.store.sql import quoted

_BARS = " ▁▂▃▄▅▆▇█"
_ROWS = 5


def bars(counts: Sequence[int]) -> dg.MarkdownMetadataValue:
    """``counts`` as a row of bars, oldest first, with the smallest and largest beside it."""
    top = max(counts, default=0)
    drawn = "".join(_BARS[0 if not top else max(1, round(8 * count / top)) if count else 0] for count in counts)
    return dg.MetadataValue.md(f"`{drawn}` {min(counts, default=0):,} to {top:,}")


def sample(store: Store, pull: Pull, scope: str) -> dg.MarkdownMetadataValue:
    """A few canonical rows as a table; fields that say something of a person are left out."""
    entity = ENTITIES[pull.entity]
    names = [n for n, type_ in entity.fields.items() if isinstance(type_, Scalar) and n not in entity.personal]
    with store.session() as con:
        rows = con.execute(
            f"SELECT {', '.join(map(quoted, names))} FROM {quoted(f'canonical_{entity.name}')}"
            f" WHERE _connection = ? AND _name = ? AND (? = '' OR _partition = ?) ORDER BY ALL LIMIT {_ROWS}",
            [pull.connection, pull.name, scope, scope],
        ).fetchall()
    return _table(names, rows)


def drifted(entity: Entity, rows: Sequence[Drift]) -> dg.MarkdownMetadataValue:
    """What drifted as a table; what says something of a person is not shown."""
    told = []
    for row in rows:
        key = ["…" if name in entity.personal else value for name, value in row.values.items()]
        values = [_said(row.accepted), _said(row.there)]
        hidden = row.field is None or row.field in entity.personal
        told.append([*key, row.field or "gone there", *(["…", "…"] if hidden else values)])
    return _table([*entity.key, "field", "accepted", "there"], told)


def _said(value: object) -> object:
    return "cleared" if value is False else value


def _table(names: Sequence[str], rows: Sequence[Sequence[object]]) -> dg.MarkdownMetadataValue:
    lines = [names, ["---"] * len(names), *([_cell(value) for value in row] for row in rows)]
    return dg.MetadataValue.md("\n".join(f"| {' | '.join(line)} |" for line in lines))


def _cell(value: object) -> str:
    return "unknown" if value is None else " ".join(str(value).replace("|", "/").split())[:60]
