"""Raw pages to a canonical frame: mapped by SQL, checked by pandera, bad rows set aside with their reasons."""

from dataclasses import dataclass, field
from itertools import product

import duckdb
import pyarrow as arrow

from pullpush_dagster.canonical.compile import projection
from pullpush_dagster.canonical.entity import Entity
from pullpush_dagster.canonical.field_map import CanonicalMap
from pullpush_dagster.canonical.shape import RecordShape
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
_SHADOWED = arrow.schema(
    [("_askedAt", arrow.timestamp("us", tz="UTC")), ("_externalId", arrow.string()), ("_key", arrow.string())]
)
_BATCH_BYTES = 2 * 1024 * 1024
_MANY_BYTES = 4 * 1024 * 1024


@dataclass(frozen=True)
class Frame:
    """What one pull's pages mean.

    Attributes:
        rows: one row per key, ordered by key: the entity's fields, ``_cleared`` (names of fields the
            source emptied), ``_askedAt``, ``_externalId`` (JSON text), ``_live``. NULL is unknown,
            unless the field is named in ``_cleared``; 0 is a real zero.
        quarantined: rows that must not be used: ``_page``, ``_row``, ``_askedAt``, ``_externalId``, ``_live``, ``_key``
            (JSON text, parts of it may be null) and ``reasons``, ordered as read.
        shadowed: records out of use whose key is that of one in use: ``_askedAt``, ``_externalId`` and ``_key``.
    """

    rows: arrow.Table
    quarantined: arrow.Table
    shadowed: arrow.Table = field(default_factory=_SHADOWED.empty_table)


def frame_of(
    entity: Entity, fields: CanonicalMap, shape: RecordShape, pages: arrow.Table, scope: dict[str, str]
) -> Frame:
    """The canonical frame of ``pages`` (schema ``PAGES``); nothing is stored and nobody is called.

    Raises:
        RejectError: the pages as a whole do not have the form the connector describes.
    """
    # To import pandera, and pandas with it, takes most of a second, and only a pull needs it.
    from pullpush_dagster.canonical.checking import failures

    with scratch() as con:
        # A column of texts can be longer than 2 GB.
        con.execute("SET arrow_large_buffer_size = true")
        con.register("pages", in_batches(pages))
        mapped = _mapped(con, entity, projection(entity, fields, shape, scope), pages.nbytes)
        names = _names(entity, shape.sum)
        rows = _placed(con, mapped, names)
        con.execute(_SQL["outdated"].format(**names))
        if shape.sum:
            rows = _placed(con, con.execute(_SQL["summed"].format(**names)).to_arrow_table(), names)
        for step in ("unreadable", *(["lacking"] if shape.sum else [])):
            con.execute(_SQL[step].format(**names))
        shadowed = con.execute(_SQL["shadowed"].format(**names)).to_arrow_table()
        con.execute(_SQL["duplicates"].format(**names))
        usable = rows.take(_usable(con, names))
        failed = failures(entity, usable)
        if len(failed):
            con.register("failures", failed)
            con.execute(_SQL["failed_checks"])
            usable = rows.take(_usable(con, names))
        kept = usable.select([*entity.fields, "_cleared", "_askedAt", "_externalId", "_live"])
        return Frame(kept, con.execute(_SQL["quarantined"].format(**names)).to_arrow_table(), shadowed)


def _mapped(con: duckdb.DuckDBPyConnection, entity: Entity, sql: str, size: int) -> arrow.Table:
    """What ``sql``, a projection, makes of ``size`` bytes of pages.

    Raises:
        RejectError: they do not fit it.
    """
    # As a relation it comes from all cores, and takes half the time; but it is planned twice, some 10 ms.
    ask = con.sql if size > _MANY_BYTES else con.execute
    try:
        return ask(sql).to_arrow_table()
    except duckdb.Error as error:
        # What follows the first line or "Input:" quotes the page, which may hold anything.
        said = str(error).splitlines()[0].partition("  Input:")[0]
        raise RejectError(f"the pages do not fit the canonical_map: {said}", entity=entity.name) from None


def _placed(con: duckdb.DuckDBPyConnection, mapped: arrow.Table, names: dict[str, str]) -> arrow.Table:
    """``mapped``, each row with its place in it as ``_id``; the table ``frame`` has of each what tells it from others.

    Whole rows stay where they are: to copy them takes half as long as to map them.
    """
    rows = mapped.append_column("_id", arrow.arange(0, len(mapped)))
    con.register("mapped", rows)
    con.execute(_SQL["frame"].format(**names))
    return rows


def _usable(con: duckdb.DuckDBPyConnection, names: dict[str, str]) -> arrow.ChunkedArray:
    """Places of the rows against which nothing is said, ordered by key."""
    return con.execute(_SQL["usable"].format(**names)).to_arrow_table().column(0)


def in_batches(table: arrow.Table) -> arrow.Table:
    """``table`` in batches that go to all cores, and are small enough to stay in the processor's cache.

    One of a quarter of this has too few records: what DuckDB does once per step and batch is then a fifth of the time.
    """
    rows = max(1, _BATCH_BYTES * table.num_rows // max(1, table.nbytes))
    return arrow.Table.from_batches(table.to_batches(max_chunksize=rows), table.schema)


def _names(entity: Entity, summed: tuple[str, ...]) -> dict[str, str]:
    key = [quoted(name) for name in entity.key]
    null_keys = [f"CASE WHEN {quoted(name)} IS NULL THEN {literal(f'{name}: is empty')} END" for name in entity.key]
    sums = (_part(entity, name, summed) for name in entity.fields if name not in entity.key)
    # Each way to know the key but not all of it.
    parts = list(product(*((f"{name}: {name}", f"{name}: NULL") for name in key)))[1:]
    return {
        "sums": ", ".join(sums),
        "sum_names": ", ".join(summed),
        "key_in_part": ", ".join(f"CAST(to_json({{{', '.join(part)}}}) AS VARCHAR)" for part in parts),
        "stamp": '"updatedAt"' if "updatedAt" in entity.fields else "_askedAt",
        "key": ", ".join(key),
        "key_names": ", ".join(entity.key),
        "null_keys": ", ".join(null_keys),
        "same_key": " AND ".join(f"gone.{name} = live.{name}" for name in key),
        "key_of_gone": ", ".join(f"{name}: gone.{name}" for name in key),
        "key_known": " AND ".join(f"{name} IS NOT NULL" for name in key),
        "key_fields": ", ".join(f"{name}: {name}" for name in key),
        "columns": ", ".join(quoted(name) for name in entity.fields),
    }


def _part(entity: Entity, name: str, summed: tuple[str, ...]) -> str:
    """What a field is of several records of one key: the sum of what they have, the newest stamp, else the first's."""
    field = quoted(name)
    if name in summed:
        whole = f"TRY_CAST(sum({field}) AS {entity.fields[name].sql})"
        return f"CASE WHEN count({field}) = count(*) THEN {whole} END AS {field}"
    return f"max({field}) AS {field}" if name == "updatedAt" else f"arg_min({field}, (_page, _row)) AS {field}"
