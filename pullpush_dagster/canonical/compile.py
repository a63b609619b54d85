"""Compile a canonical_map into one DuckDB projection over raw page bodies. No record is touched by Python."""

from dataclasses import dataclass, field

import orjson

from pullpush_dagster.canonical.entity import Entity
from pullpush_dagster.canonical.field_map import CanonicalMap, FieldMap
from pullpush_dagster.canonical.types import ListOf, Scalar, Struct
from pullpush_dagster.store.sql import literal, quoted


@dataclass(frozen=True)
class RecordShape:
    """Where records lie in a page and how the platform says "nothing".

    Attributes:
        each: path of the list of records in the body, ``()`` when the body is the list.
        external_id: name -> path of the platform's own ids; the first is the identity.
        live: conditions (path -> text) under which a record is in use; empty: always.
        false_is_empty: a JSON ``false`` in a field that is no boolean means null (Odoo).
    """

    each: tuple[str, ...]
    external_id: dict[str, str]
    live: dict[str, str] = field(default_factory=dict)
    false_is_empty: bool = False


def projection(entity: Entity, fields: CanonicalMap, shape: RecordShape, scope: dict[str, str]) -> str:
    """SQL over ``pages(walk, page, asked_at, body)``: one row per native record, in canonical columns.

    Columns: ``_page``, ``_row`` (place in its page), ``_askedAt``, ``_externalId`` (JSON text),
    ``_live``, every field of ``entity`` (unmapped ones unknown), ``_cleared`` (names), ``_faults``
    (reasons why the row cannot be read; empty: it can).
    """
    return _Projection(entity, fields, shape, scope).sql()


class _Projection:
    def __init__(self, entity: Entity, fields: CanonicalMap, shape: RecordShape, scope: dict[str, str]) -> None:
        self.entity, self.fields, self.shape, self.scope = entity, fields, shape, scope
        self.leaves: dict[str, object] = {}
        self.kinds: list[str] = []
        self.faults: list[str] = []
        self.cleared: list[str] = []

    def sql(self) -> str:
        columns = [f"{self._field(name)} AS {quoted(name)}" for name in self.entity.fields]
        columns = [*self._identity(), *columns, f"{_compact(self.cleared)} AS _cleared"]
        columns.append(f"{_compact(self.faults)} AS _faults")
        body = "body" if not self.shape.each else f"json_extract(body, {literal(_json_path(self.shape.each))})"
        return f"""
WITH bodies AS (
    SELECT page AS _page, asked_at AS _askedAt,
           coalesce(from_json({body}, '["JSON"]'), error('page ' || page || ' has no list of records')) AS items
    FROM pages
), records AS (
    SELECT _page, _askedAt, unnest(items) AS item, generate_subscripts(items, 1) AS _row FROM bodies
), raw AS (
    SELECT _page, _row, _askedAt, from_json(item, {literal(_structure(self.leaves))}) AS r,
           json_type(item, [{", ".join(literal(path) for path in self.kinds) or "'$'"}]) AS kinds
    FROM records
)
SELECT _page, _row, _askedAt, {", ".join(columns)} FROM raw"""

    def _identity(self) -> list[str]:
        ids = ", ".join(f"{quoted(name)}: {self._text(path)}" for name, path in self.shape.external_id.items())
        live = " AND ".join(f"{self._text(path)} = {literal(is_)}" for path, is_ in self.shape.live.items())
        # Without its first id a record has no identity: two of them must not pass for one.
        known = " OR ".join(f"{self._text(path)} <> ''" for path in list(self.shape.external_id.values())[:1])
        return [
            f"CASE WHEN {known or 'false'} THEN CAST(to_json({{{ids}}}) AS VARCHAR) END AS _externalId",
            f"coalesce({live}, false) AS _live" if live else "true AS _live",
        ]

    def _field(self, name: str) -> str:
        type_, mapped = self.entity.fields[name], self.fields.get(name)
        if mapped is None:
            return f"CAST(NULL AS {type_.sql})"
        if isinstance(type_, ListOf):
            return self._list(name, type_, mapped)
        if isinstance(type_, Struct):
            return self._object(name, type_, mapped)
        return self._top_scalar(name, type_, mapped)

    def _top_scalar(self, name: str, type_: Scalar, mapped: FieldMap) -> str:
        if mapped.from_ is None or mapped.from_.startswith("scope."):
            given = mapped.value if mapped.from_ is None else self.scope.get(mapped.from_.partition(".")[2])
            return f"CAST({'NULL' if given is None else literal(given)} AS {type_.sql})"
        value = self._checked(name, self._present(mapped), type_, mapped)
        if type_.kind == "decimal" and mapped.round is None:
            # JSON numbers reach SQL as doubles: past 15 digits they are no longer what the platform wrote.
            raw = self._present(mapped)
            digits = f"{self._kind(mapped.from_)} = 'DOUBLE' AND length(replace(ltrim({raw}, '-0'), '.', '')) > 15"
            self.faults.append(_when(digits, f"{name}: has more digits than a JSON number keeps (round: N allows it)"))
        if type_.kind == "text" and mapped.map is None and name in self.entity.compared:
            nested = f"{self._kind(mapped.from_)} IN ('OBJECT', 'ARRAY')"
            self.faults.append(_when(nested, f"{name}: is no text, but an object or a list"))
        if name in self.entity.lowered:
            value = f"lower({value})"
        if mapped.minus is not None:
            other = self._checked(name, self._present(mapped, mapped.minus), type_, mapped)
            # Past 14 digits the difference has no room; it is unknown then, as one bad record must not fail the pull.
            value = f"TRY(CAST({value} - {other} AS {type_.sql}))"
        self._clears(name, mapped)
        return f"CASE WHEN {self._counts(mapped)} THEN {value} END" if mapped.unknown_unless else value

    def _counts(self, mapped: FieldMap) -> str:
        """When the native value counts at all."""
        return " AND ".join(f"{self._text(path)} = {literal(is_)}" for path, is_ in mapped.unknown_unless.items())

    def _checked(self, name: str, raw: str, type_: Scalar, mapped: FieldMap) -> str:
        value, fault = _cast(raw, type_, mapped)
        if fault:
            self.faults.append(_when(fault, f"{name}: {_complaint(type_, mapped)}"))
        return value

    def _clears(self, name: str, mapped: FieldMap) -> None:
        """Note when the native record says that the field is empty, where that means *cleared*."""
        if name not in self.entity.compared or mapped.from_ is None:
            return
        kind = self._kind(mapped.from_)
        empty = [f"{kind} = 'NULL'"]
        empty += [] if mapped.each else [f"({kind} = 'VARCHAR' AND {self._text(mapped.from_)} = '')"]
        if self._false_is_empty(mapped):
            # A list has no text of its own to compare with.
            empty.append(f"{kind} = 'BOOLEAN'" + ("" if mapped.each else f" AND {self._text(mapped.from_)} = 'false'"))
        rules = empty if (mapped.null or self.entity.null_state(name)) == "cleared" else []
        rules += [f"{kind} IS NULL"] if mapped.missing == "cleared" else []
        if rules:
            rule = " OR ".join(rules)
            self.cleared.append(_when(f"({rule}) AND {self._counts(mapped)}" if mapped.unknown_unless else rule, name))

    def _false_is_empty(self, mapped: FieldMap) -> bool:
        return self.shape.false_is_empty and "false" not in (mapped.map or {})

    def _present(self, mapped: FieldMap, path: str | None = None) -> str:
        """Native text at ``path``; NULL when it is null, empty, absent, or the platform's ``false``."""
        path = path or mapped.from_ or ""
        text = f"nullif({self._text(path)}, '')"
        if not self._false_is_empty(mapped):
            return text
        return f"CASE WHEN {self._kind(path)} <> 'BOOLEAN' OR {text} <> 'false' THEN {text} END"

    def _object(self, name: str, type_: Struct, mapped: FieldMap) -> str:
        parts = mapped.fields or {}
        values, known = [], ["NULL"]
        for part, part_type in type_.fields.items():
            value = "NULL"
            if part in parts and parts[part].value is not None:
                value = literal(parts[part].value or "")
            elif part in parts:
                known.append(self._present(parts[part]))
                value = self._checked(f"{name}.{part}", known[-1], part_type, parts[part])
            values.append(f"{quoted(part)}: CAST({value} AS {part_type.sql})")
        return f"CASE WHEN coalesce({', '.join(known)}) IS NOT NULL THEN {{{', '.join(values)}}} END"

    def _list(self, name: str, type_: ListOf, mapped: FieldMap) -> str:
        path, parts = mapped.from_ or "", mapped.each or {}
        rows, kind = self._rows(path, parts), self._kind(path)
        values = []
        for part, part_type in type_.item.fields.items():
            value = "NULL"
            if part in parts:
                value = self._list_value(name, part, part_type, parts[part], rows)
            values.append(f"{quoted(part)}: CAST({value} AS {part_type.sql})")
        wrong = f"{kind} NOT IN ('ARRAY', 'NULL')" + (f" AND {kind} <> 'BOOLEAN'" if self.shape.false_is_empty else "")
        self.faults.append(_when(wrong, f"{name}: is not a list"))
        said = ", ".join(_inside(part) for part in parts.values() if part.value is None)
        if said:
            empty = f"len(list_filter({rows}, lambda x: coalesce({said}, NULL) IS NULL)) > 0"
            self.faults.append(_when(empty, f"{name}: has a row that says nothing"))
        self._clears(name, mapped)
        return f"list_sort(list_transform({rows}, lambda x: {{{', '.join(values)}}}))"

    def _list_value(self, name: str, part: str, type_: Scalar, mapped: FieldMap, rows: str) -> str:
        if mapped.value is not None:
            return literal(mapped.value)
        x = f"nullif({_inside(mapped)}, '')"
        if self._false_is_empty(mapped):
            x = f"nullif({x}, 'false')"
        value, fault = _cast(x, type_, mapped, fits=_FITS_JSON)
        if fault:
            any_ = f"len(list_filter({rows}, lambda x: {fault})) > 0"
            self.faults.append(_when(any_, f"{name}.{part}: {_complaint(type_, mapped)}"))
        return value

    def _rows(self, path: str, parts: CanonicalMap) -> str:
        for part in (part for part in parts.values() if part.value is None):
            _insert(self.leaves, [*_steps(path), "[]", *_steps(part.from_ or "")])
        return "r" + "".join(f".{quoted(step)}" for step in _steps(path))

    def _text(self, path: str) -> str:
        """The native value at ``path`` as text; JSON null and absence are both NULL here."""
        steps = _steps(path)
        _insert(self.leaves, ["[]" if step.isdigit() else step for step in steps])
        return "r" + "".join(f"[{int(step) + 1}]" if step.isdigit() else f".{quoted(step)}" for step in steps)

    def _kind(self, path: str) -> str:
        """The JSON type at ``path``: 'NULL' for a null, SQL NULL for an absent field."""
        json_path = _json_path(_steps(path))
        if json_path not in self.kinds:
            self.kinds.append(json_path)
        return f"kinds[{self.kinds.index(json_path) + 1}]"


# What DECIMAL(18,4) holds without rounding, written out. Casting to a wider decimal and comparing says
# the same and costs thirty times as much.
_FITS = r"[+-]?\d{0,14}(\.\d{0,4}0*)?"
# The same with at most 15 digits, which is what a JSON number keeps: inside a list the two kinds look alike.
_FITS_JSON = r"[+-]?(\d{0,11}(\.\d{0,4}0*)?|\d{12}(\.\d{0,3}0*)?|\d{13}(\.\d{0,2}0*)?|\d{14}(\.\d?0*)?)"
# "1.5E+3" is exact as well; so few digits that DECIMAL(38,18) holds all of it.
_EXPONENT = r"[+-]?\d{1,14}(\.\d{0,8})?[eE](\+?\d{1,2}|-\d)"
_WHOLE = r"[+-]?\d{1,18}(\.0*)?"


def _cast(raw: str, type_: Scalar, mapped: FieldMap, *, fits: str = _FITS) -> tuple[str, str]:
    """(value, fault condition) of native text ``raw``; an empty condition means that it cannot go wrong."""
    if mapped.map is not None:
        arms = " ".join(f"WHEN {literal(native)} THEN {literal(to)}" for native, to in mapped.map.items())
        value = f"CASE {raw} {arms} END"
    elif type_.kind in ("text", "json"):
        return raw, ""
    elif mapped.round is not None and mapped.round < 4:
        value = f"TRY_CAST(round(TRY_CAST({raw} AS DECIMAL(38,18)), {mapped.round}) AS {type_.sql})"
    else:
        value = f"TRY_CAST({raw} AS {type_.sql})"
    fault = f"{raw} IS NOT NULL AND {value} IS NULL"
    if type_.kind == "decimal" and mapped.round is None:
        exact = f"regexp_full_match({raw}, '{_EXPONENT}') AND TRY_CAST({raw} AS DECIMAL(38,18)) = {value}"
        fault += f" OR NOT (regexp_full_match({raw}, '{fits}') OR coalesce({exact}, false))"
    elif type_.kind == "integer" and mapped.map is None:
        fault += f" OR NOT regexp_full_match({raw}, '{_WHOLE}')"
    return value, fault


def _complaint(type_: Scalar, mapped: FieldMap) -> str:
    if mapped.map is not None:
        return f"is none of {', '.join(mapped.map)}"
    if type_.kind == "decimal" and mapped.round is not None:
        return "is not a number of at most 14 digits before the point"
    if type_.kind == "decimal":
        return "is not a number, or would be rounded to fit 4 decimal places (round: N allows it)"
    return f"is not {'a time' if type_.kind == 'instant' else 'a whole number'}"


def _steps(path: str) -> tuple[str, ...]:
    return tuple(path.split(".")[1:])


def _inside(mapped: FieldMap) -> str:
    """The native text of a list's field, in a lambda over its rows."""
    return "x" + "".join(f".{quoted(step)}" for step in _steps(mapped.from_ or ""))


def _json_path(steps: tuple[str, ...]) -> str:
    return "$" + "".join(f"[{step}]" if step.isdigit() else f'."{step}"' for step in steps)


def _insert(tree: dict[str, object], steps: list[str]) -> None:
    """Put a leaf into the from_json structure; ``"[]"`` stands for a list."""
    for step, following in zip(steps, [*steps[1:], None], strict=True):
        below = tree.setdefault(step, {} if following else None)
        if following is None:
            return
        if below is None:
            below = tree[step] = {}
        tree = below  # type: ignore[assignment]


def _structure(tree: dict[str, object] | None) -> str:
    return orjson.dumps(_shape(tree)).decode()


def _shape(tree: object) -> object:
    if not isinstance(tree, dict) or not tree:
        return "VARCHAR"
    if "[]" in tree:
        return [_shape(tree["[]"])]
    return {name: _shape(below) for name, below in tree.items()}


def _when(condition: str, text: str) -> str:
    return f"CASE WHEN {condition} THEN {literal(text)} END"


def _compact(cases: list[str]) -> str:
    """The non-null ones of ``cases`` as a list."""
    if not cases:
        return "CAST([] AS VARCHAR[])"
    return f"list_filter([{', '.join(cases)}], lambda x: x IS NOT NULL)"
