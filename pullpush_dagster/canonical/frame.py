"""Raw pages to a canonical frame: mapped by SQL, checked by pandera, bad rows set aside with their reasons."""

from dataclasses import dataclass

import duckdb
import pyarrow as arrow

from pullpush_dagster.canonical.compile import projection
from pullpush_dagster.canonical.entity import Entity
from pullpush_dagster.canonical.field_map import CanonicalMap
from pullpush_dagster.canonical.shape import RecordShape
from pullpush_dagster.canonical.types import Scalar
from pullpush_dagster.errors import RejectError
from pullpush_dagster.store import named_sql
from pullpush_dagster.store.opening import scratch
from pullpush_dagster.store.sql import literal, quoted

_SQL = named_sql(__package__, "frame.sql")
PAGES = arrow.schema(
    [
        ("walk", arrow.string()),
        ("page", arrow.int32()),
        ("asked_at", arrow.timestamp("us", tz="UTC")),
        ("body", arrow.large_string()),
    ]
)
_BATCH_BYTES = 2 * 1024 * 1024


@dataclass(frozen=True)
class Frame:
    """What one pull's pages mean.

    Attributes:
        rows: one row per key, ordered by key: the entity's fields, ``_cleared`` (names of fields the
            source emptied), ``_askedAt``, ``_externalId`` (JSON text), ``_live``. NULL is unknown,
            unless the field is named in ``_cleared``; 0 is a real zero.
        quarantined: rows that must not be used: ``_page``, ``_row``, ``_externalId``, ``_live``, ``_key`` (JSON text,
            parts of it may be null) and ``reasons``, ordered as read.
    """

    rows: arrow.Table
    quarantined: arrow.Table


def frame_of(
    entity: Entity, fields: CanonicalMap, shape: RecordShape, pages: arrow.Table, scope: dict[str, str]
) -> Frame:
    """The canonical frame of ``pages`` (schema ``PAGES``); nothing is stored and nobody is called.

    Raises:
        RejectError: the pages as a whole do not have the form the connector describes.
    """
    # To import pandera, and pandas with it, takes most of a second, and only a pull needs it.
    from pullpush_dagster.canonical.checking import failures

    names = _names(entity, shape.sum)
    with scratch() as con:
        con.register("pages", in_batches(pages))
        try:
            con.execute(_SQL["mapped"].format(projection=projection(entity, fields, shape, scope)))
        except duckdb.Error as error:
            # What follows the first line or "Input:" quotes the page, which may hold anything.
            said = str(error).splitlines()[0].partition("  Input:")[0]
            raise RejectError(f"the pages do not fit the canonical_map: {said}", entity=entity.name) from None
        for step in ("outdated", *(["summed"] if shape.sum else []), "unreadable", "shadowed", "duplicates"):
            con.execute(_SQL[step].format(**names))
        candidates = con.execute(_SQL["candidates"].format(**names)).to_arrow_table()
        con.register("failures", failures(entity, candidates))
        con.execute(_SQL["failed_checks"])
        rows = con.execute(_SQL["rows"].format(**names)).to_arrow_table()
        return Frame(rows, con.execute(_SQL["quarantined"].format(**names)).to_arrow_table())


def in_batches(pages: arrow.Table) -> arrow.Table:
    """``pages`` in batches that go to all cores, and are small enough to stay in the processor's cache.

    One of a quarter of this has too few records: what DuckDB does once per step and batch is then a fifth of the time.
    """
    rows = max(1, _BATCH_BYTES * pages.num_rows // max(1, pages.nbytes))
    return arrow.Table.from_batches(pages.to_batches(max_chunksize=rows), pages.schema)


def _names(entity: Entity, summed: tuple[str, ...]) -> dict[str, str]:
    key = [quoted(name) for name in entity.key]
    null_keys = [f"CASE WHEN {quoted(name)} IS NULL THEN {literal(f'{name}: is empty')} END" for name in entity.key]
    sums = (_part(entity, name, summed) for name in entity.fields if name not in entity.key)
    return {
        "sums": ", ".join(sums),
        "stamp": '"updatedAt"' if "updatedAt" in entity.fields else "_askedAt",
        "key": ", ".join(key),
        "key_names": ", ".join(entity.key),
        "null_keys": ", ".join(null_keys),
        "same_key": " AND ".join(f"gone.{name} = live.{name}" for name in key),
        "key_known": " AND ".join(f"{name} IS NOT NULL" for name in key),
        "key_fields": ", ".join(f"{name}: {name}" for name in key),
        "scalars": ", ".join(quoted(name) for name, type_ in entity.fields.items() if isinstance(type_, Scalar)),
        "columns": ", ".join(quoted(name) for name in entity.fields),
    }


def _part(entity: Entity, name: str, summed: tuple[str, ...]) -> str:
    """What a field is of several records of one key: the sum of what they have, the newest stamp, else any of them."""
    field = quoted(name)
    if name in summed:
        whole = f"TRY_CAST(sum({field}) AS {entity.fields[name].sql})"
        return f"CASE WHEN count({field}) = count(*) THEN {whole} END AS {field}"
    return f"{'max' if name == 'updatedAt' else 'any_value'}({field}) AS {field}"
