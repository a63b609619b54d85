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


def records_sql(shape: RecordShape) -> str:
    """The table ``records(_page, _askedAt, item, _row)``: each native record as JSON, as it came."""
    structure, place = _page(shape.each)
    found = f"from_json(body, {structure}){place}"
    none = "CAST([] AS JSON[])" if shape.may_lack else "error('page ' || page || ' has no list of records')"
    whole = f"""bodies AS (
    SELECT page AS _page, asked_at AS _askedAt, coalesce({found}, {none}) AS items FROM pages
), {"records" if shape.rows is None else "whole"} AS (
    SELECT _page, _askedAt, unnest(items) AS item, generate_subscripts(items, 1) AS _row FROM bodies
)"""
    return whole if shape.rows is None else f"{whole}, {_rows(shape.rows)}"


def _rows(path: str) -> str:
    """One record for each row of a record's list; one with no row at all where there is no list, which is a fault."""
    at = literal(json_path(path))
    rows = f"CASE WHEN json_type(item, {at}) = 'ARRAY' THEN CAST(json_extract(item, {at}) AS JSON[]) ELSE ['null'] END"
    return f"""records AS (
    SELECT _page, _askedAt, _row,
           CAST('{{"item":' || item || ',"row":' || unnest({rows}) || '}}' AS JSON) AS item
    FROM whole
)"""


def _page(each: tuple[str, ...]) -> tuple[str, str]:
    """The from_json structure of a page, with the records as they came, and where in it they are."""
    shape: object = ["JSON"]
    for step in reversed(each):
        shape = [shape] if step.isdigit() else {step: shape}
    place = ""
    for step in each:
        place = accessed(place, step)
    return literal(orjson.dumps(shape).decode()), place
