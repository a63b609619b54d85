"""Where a platform's records lie in its pages, and how they say "nothing"."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson

from pullpush_dagster.canonical.field_map import Times
from pullpush_dagster.canonical.native import accessed, json_path
from pullpush_dagster.store.sql import literal


@dataclass(frozen=True)
class RecordShape:
    """Where records lie in a page and how the platform says "nothing".

    Attributes:
        each: path of the list of records in the body, ``()`` when the body is the list.
        external_id: name -> path of the platform's own ids; the first is the identity.
        live: conditions (path -> text) under which a record is in use; empty: always.
        false_is_empty: a JSON ``false`` in a field that is no boolean means null (Odoo).
        skip: values (path -> text), any of which makes a record none of this entity's.
        rows: path of a list in each record, whose rows are the records meant (``row.NAME``); None: they are themselves.
        whole: values (path -> texts) without any of which a record is only a part of itself.
        may_lack: whether a page without the list has no records.
        sum: fields of which the records of one key are parts.
        times: how times are written.
    """

    each: tuple[str, ...]
    external_id: dict[str, str]
    live: dict[str, str] = field(default_factory=dict)
    false_is_empty: bool = False
    skip: dict[str, str] = field(default_factory=dict)
    rows: str | None = None
    whole: dict[str, list[str]] = field(default_factory=dict)
    may_lack: bool = False
    sum: tuple[str, ...] = ()
    times: Times = field(default_factory=Times)

    def native(self, path: str) -> str:
        """``path`` in what is read: the record, or the record and one row of it side by side."""
        return path if self.rows is None else f"read.{path}"


def placed(records: Sequence[Any], each: Sequence[str]) -> Any:
    """The body of a page that has ``records`` where ``each`` says."""
    body: Any = records
    for step in reversed(each):
        body = [*[None] * int(step), body] if step.isdigit() else {step: body}
    return body


def bodies_sql(shape: RecordShape) -> str:
    """The table ``bodies(_page, _askedAt, _at, body)``: JSON with the records as a list, found by ``items_sql``.

    These are the pages as they came; where records are the rows of a list, each is a body of its own and ``_at``
    the place of what it is a row of.
    """
    if shape.rows is None:
        return "bodies AS (SELECT page AS _page, asked_at AS _askedAt, CAST(NULL AS BIGINT) AS _at, body FROM pages)"
    at = literal(json_path(shape.rows))
    rows = f"CASE WHEN json_type(item, {at}) = 'ARRAY' THEN CAST(json_extract(item, {at}) AS JSON[]) ELSE ['null'] END"
    return f"""listed AS (
    SELECT page AS _page, asked_at AS _askedAt, {_list_at(shape.each, "JSON")} AS items FROM pages
), sure AS (
    SELECT {page_sql(shape)} AS _page, _askedAt, items FROM listed
), whole AS (
    SELECT _page, _askedAt, unnest(items) AS item, generate_subscripts(items, 1) AS _at FROM sure
), bodies AS (
    -- Where there is no list, which is a fault, there is one record with no row at all.
    SELECT _page, _askedAt, _at,
           coalesce('[{{"item":' || item || ',"row":' || unnest({rows}) || '}}]', '[null]') AS body
    FROM whole
)"""


def items_sql(shape: RecordShape, item: object) -> str:
    """The list of records in ``body`` of ``bodies_sql``, each read by the from_json structure ``item``; NULL: none."""
    return _list_at(() if shape.rows else shape.each, item)


def page_sql(shape: RecordShape) -> str:
    """``_page``; an error where there must be ``items`` and are none."""
    # As a condition on the list itself (coalesce) this copies all of it.
    none = "error('page ' || _page || ' has no list of records')"
    return "_page" if shape.may_lack else f"CASE WHEN items IS NULL THEN {none} ELSE _page END"


def every(shape: RecordShape, path: str) -> str:
    """``path`` (as DuckDB's JSON functions take it) of a record, of all the records in a ``body``."""
    steps = () if shape.rows else shape.each
    to = "".join(f"[{step}]" if step.isdigit() else f'."{step}"' for step in steps)
    return f"${to}[*]{path.removeprefix('$')}"


def _list_at(each: tuple[str, ...], item: object) -> str:
    structure: object = [item]
    for step in reversed(each):
        structure = [structure] if step.isdigit() else {step: structure}
    place = ""
    for step in each:
        place = accessed(place, step)
    return f"from_json(body, {literal(orjson.dumps(structure).decode())}){place}"
