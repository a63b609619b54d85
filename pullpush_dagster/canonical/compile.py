"""Compile a canonical_map into one DuckDB projection over raw page bodies. No record is touched by Python."""

from dataclasses import dataclass, field

import orjson

from pullpush_dagster.canonical.casting import Cast, cast_of, complaint, divided, spoken
from pullpush_dagster.canonical.entity import Entity
from pullpush_dagster.canonical.field_map import CanonicalMap, FieldMap, Times
from pullpush_dagster.canonical.native import accessed, insert, json_path, place_in, steps_of, structure
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
        skip: values (path -> text), any of which makes a record none of this entity's.
        rows: path of a list in each record, whose rows are the records meant (``row.NAME``); None: they are themselves.
        whole: values (path -> text) without which a record is only a part of itself.
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
    whole: dict[str, str] = field(default_factory=dict)
    may_lack: bool = False
    sum: tuple[str, ...] = ()
    times: Times = Times()


def projection(entity: Entity, fields: CanonicalMap, shape: RecordShape, scope: dict[str, str]) -> str:
    """SQL over ``pages(walk, page, asked_at, body)``: one row per native record, in canonical columns.

    Columns: ``_page``, ``_row`` (place in its page), ``_askedAt``, ``_externalId`` (JSON text),
    ``_live``, every field of ``entity`` (unmapped ones unknown), ``_cleared`` (names), ``_faults``
    (reasons why the row cannot be read; empty: it can).
    """
    return _Projection(entity, fields, shape, scope).sql()


class _Projection:
    """The SQL goes in steps, so that nothing is parsed or cast twice and the rare is paid for only where it is.

    ``native``: one struct of texts per record. ``raw``: JSON types too, only of records that hold a doubt, which
    is a text that alone does not say what the platform meant. ``read``: canonical values. Then what was cleared
    and what is wrong, each behind one condition that is false for nearly every record.
    """

    def __init__(self, entity: Entity, fields: CanonicalMap, shape: RecordShape, scope: dict[str, str]) -> None:
        self.entity, self.fields, self.shape, self.scope = entity, fields, shape, scope
        self.leaves: dict[str, object] = {}
        self.kinds: list[str] = []
        self.doubts: dict[str, None] = {}
        self.suspects: list[str] = []
        self.faults: list[tuple[str, str]] = []
        self.cleared: list[tuple[str, str]] = []

    def sql(self) -> str:
        columns = [f"{self._field(name)} AS {quoted(name)}" for name in self.entity.fields]
        columns = [*self._identity(), *columns, *self.suspects]
        kinds = ", ".join(literal(path) for path in self.kinds) or "'$'"
        names = ", ".join(quoted(name) for name in self.entity.fields)
        page, list_ = self._page()
        skipped = " OR ".join(f"{self._text(path)} = {literal(is_)}" for path, is_ in self.shape.skip.items())
        return f"""
WITH bodies AS (
    SELECT page AS _page, asked_at AS _askedAt,
           coalesce(from_json(body, {page}){list_}, error('page ' || page || ' has no list of records')) AS items
    FROM pages
), records AS (
    SELECT _page, _askedAt, unnest(items) AS item, generate_subscripts(items, 1) AS _row FROM bodies
), native AS (
    SELECT _page, _row, _askedAt, item, from_json(item, {literal(structure(self.leaves))}) AS r FROM records
), raw AS (
    SELECT _page, _row, _askedAt, r,
           CASE WHEN {" OR ".join(self.doubts) or "false"} THEN json_type(item, [{kinds}]) END AS kinds
    FROM native WHERE NOT coalesce({skipped or "false"}, false)
), read AS (
    SELECT _page, _row, _askedAt, r, kinds, {", ".join(columns)} FROM raw
)
SELECT _page, _row, _askedAt, _externalId, _live, {names},
       {_listed(self.cleared)} AS _cleared, {_listed(self.faults)} AS _faults
FROM read"""

    def _page(self) -> tuple[str, str]:
        """The from_json structure of a page, with the records as they came, and where in it they are."""
        shape: object = ["JSON"]
        for step in reversed(self.shape.each):
            shape = [shape] if step.isdigit() else {step: shape}
        place = ""
        for step in self.shape.each:
            place = accessed(place, step)
        return literal(orjson.dumps(shape).decode()), place

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
        if mapped.join is not None:
            return self._joined(mapped)
        if mapped.from_ is None or mapped.from_.startswith("scope."):
            given = mapped.value if mapped.from_ is None else self.scope.get(mapped.from_.partition(".")[2])
            return f"CAST({'NULL' if given is None else literal(given)} AS {type_.sql})"
        alone = mapped.minus is None and not mapped.unknown_unless
        value = self._checked(name, mapped.from_, type_, mapped, read=quoted(name) if alone else None)
        nested = self._doubtful(name, type_, mapped, mapped.from_)
        if name in self.entity.key:
            value = f"CASE WHEN NOT coalesce({nested}, false) THEN {value} END"
        if name in self.entity.lowered:
            value = f"lower({value})"
        if mapped.minus is not None:
            other = self._checked(name, mapped.minus, type_, mapped)
            # Past 14 digits the difference has no room; it is unknown then, as one bad record must not fail the pull.
            value = f"TRY(CAST({value} - {other} AS {type_.sql}))"
        self._clears(name, mapped)
        return f"CASE WHEN {self._counts(mapped)} THEN {value} END" if mapped.unknown_unless else value

    def _joined(self, mapped: FieldMap) -> str:
        texts = ", ".join(self._present(mapped, path) for path in mapped.join or [])
        return f"nullif(concat_ws(' ', {texts}), '')"

    def _counts(self, mapped: FieldMap) -> str:
        """When the native value counts at all."""
        return " AND ".join(f"{self._text(path)} = {literal(is_)}" for path, is_ in mapped.unknown_unless.items())

    def _doubtful(self, name: str, type_: Scalar, mapped: FieldMap, path: str) -> str:
        """Note faults of a top-level value that only its JSON type can tell; when a text is none."""
        text, kind, nested = self._text(path), self._kind(path), "false"
        if type_.kind == "decimal" and mapped.round is None:
            # JSON numbers reach SQL as doubles: past 15 digits they are no longer what the platform wrote.
            long = self._doubt(f"strlen({text}) > 15")
            digits = f"{long} AND {kind} = 'DOUBLE' AND length(replace(ltrim({text}, '-0'), '.', '')) > 15"
            self.faults.append((digits, f"{name}: has more digits than a JSON number keeps (round: N allows it)"))
        if type_.kind == "text" and mapped.map is None:
            looks = self._doubt(f"(starts_with({text}, '{{') OR starts_with({text}, '['))")
            nested = f"{looks} AND {kind} IN ('OBJECT', 'ARRAY')"
            self.faults.append((nested, f"{name}: is no text, but an object or a list"))
        return nested

    def _doubt(self, condition: str) -> str:
        """``condition``, under which JSON types are looked up."""
        self.doubts[condition] = None
        return condition

    def _checked(self, name: str, path: str, type_: Scalar, mapped: FieldMap, *, read: str | None = None) -> str:
        """The canonical value at ``path``; ``read`` is the column that will hold it, if one will hold just it."""
        cast = cast_of(self._text(path), self._present(mapped, path), type_, mapped, read=read)
        if cast.fault:
            self.faults.append((cast.fault, f"{name}: {complaint(type_, mapped)}"))
        return cast.value

    def _clears(self, name: str, mapped: FieldMap) -> None:
        """Note when the native record says that the field is empty, where that means *cleared*."""
        if name not in self.entity.compared or mapped.from_ is None:
            return
        # A list has no text of its own to compare with.
        text = self._place(mapped.from_) if mapped.each else self._text(mapped.from_)
        nothing, kind = f"{text} IS NULL", self._kind(mapped.from_)
        empty = [f"({nothing} AND {kind} = 'NULL')"]
        empty += [] if mapped.each else [f"{text} = {literal(said)}" for said in ("", mapped.empty) if said is not None]
        if self._false_is_empty(mapped):
            false = nothing if mapped.each else self._doubt(f"{text} = 'false'")
            empty.append(f"({false} AND {kind} = 'BOOLEAN')")
        rules = empty if (mapped.null or self.entity.null_state(name)) == "cleared" else []
        rules += [f"({nothing} AND {kind} IS NULL)"] if mapped.missing == "cleared" else []
        if rules:
            rule = " OR ".join(rules)
            self._doubt(nothing)
            self.cleared.append((f"({rule}) AND {self._counts(mapped)}" if mapped.unknown_unless else rule, name))

    def _false_is_empty(self, mapped: FieldMap) -> bool:
        return self.shape.false_is_empty and "false" not in (mapped.map or {})

    def _present(self, mapped: FieldMap, path: str) -> str:
        """Native text at ``path``; NULL when it is null, empty, absent, or the platform's ``false``."""
        text = spoken(self._text(path), mapped)
        if not self._false_is_empty(mapped):
            return text
        self._doubt(f"{self._text(path)} = 'false'")
        return f"CASE WHEN {self._kind(path)} <> 'BOOLEAN' OR {text} <> 'false' THEN {text} END"

    def _object(self, name: str, type_: Struct, mapped: FieldMap) -> str:
        parts = mapped.fields or {}
        values, known = [], ["NULL"]
        for part, part_type in type_.fields.items():
            value = "NULL"
            if part in parts and parts[part].value is not None:
                value = literal(parts[part].value or "")
            elif part in parts and parts[part].join is not None:
                value = self._joined(parts[part])
                known.append(value)
            elif part in parts:
                path = parts[part].from_ or ""
                known.append(self._present(parts[part], path))
                value = self._checked(f"{name}.{part}", path, part_type, parts[part])
            values.append(f"{quoted(part)}: CAST({value} AS {part_type.sql})")
        return f"CASE WHEN coalesce({', '.join(known)}) IS NOT NULL THEN {{{', '.join(values)}}} END"

    def _list(self, name: str, type_: ListOf, mapped: FieldMap) -> str:
        path, parts = mapped.from_ or "", mapped.each or {}
        rows, kind = self._rows(path, parts), self._kind(path)
        wrong = f"{self._doubt(f'{rows} IS NULL')} AND {kind} NOT IN ('ARRAY', 'NULL')"
        wrong += f" AND {kind} <> 'BOOLEAN'" if self.shape.false_is_empty else ""
        self.faults.append((wrong, f"{name}: is not a list"))
        casts = {part: self._cast_in_list(part_type, parts.get(part)) for part, part_type in type_.item.fields.items()}
        self._suspect(name, type_, mapped, casts, rows)
        self._clears(name, mapped)
        typed = ((part, cast.value, type_.item.fields[part].sql) for part, cast in casts.items())
        values = ", ".join(f"{quoted(part)}: CAST({value} AS {sql})" for part, value, sql in typed)
        list_ = f"list_transform({rows}, lambda x: {{{values}}})"
        return f"CASE WHEN {self._in_order(rows, type_, parts)} THEN {list_} ELSE list_sort({list_}) END"

    def _in_order(self, rows: str, type_: ListOf, parts: CanonicalMap) -> str:
        """A condition under which ``rows`` are sorted as they came; most orders have one to three lines, by id."""
        few = f"len({rows}) < 2"
        first = next((part for part in type_.item.fields if part in parts and parts[part].value is None), "")
        plain = first and type_.item.fields[first].kind == "text" and not self.shape.false_is_empty
        if not plain or parts[first].map or parts[first].empty is not None:
            return few
        one, two, three = (f"nullif({place_in(f'{rows}[{i}]', parts[first].from_ or '')}, '')" for i in (1, 2, 3))
        return f"{few} OR (len({rows}) < 4 AND {one} < {two} AND (len({rows}) = 2 OR {two} < {three}))"

    def _cast_in_list(self, type_: Scalar, mapped: FieldMap | None) -> Cast:
        if mapped is None or mapped.value is not None:
            return Cast("NULL" if mapped is None or mapped.value is None else literal(mapped.value))
        text = place_in("x", mapped.from_ or "")
        raw = spoken(text, mapped)
        raw = f"nullif({raw}, 'false')" if self._false_is_empty(mapped) else raw
        if mapped.over is None:
            return cast_of(text, raw, type_, mapped, in_list=True)
        exact = mapped.model_copy(update={"over": None, "round": None})
        number = cast_of(text, raw, type_, exact, in_list=True)
        other = self._cast_in_list(type_, exact.model_copy(update={"from_": mapped.over}))
        return divided(number, other, mapped.round or 0, type_)

    def _suspect(self, name: str, type_: ListOf, mapped: FieldMap, casts: dict[str, Cast], rows: str) -> None:
        """Faults of a list's rows, behind one column that says whether any row may have one."""
        parts, faults, odd = mapped.each or {}, [], []
        for part, cast in casts.items():
            if cast.fault:
                faults.append((cast.fault, f"{name}.{part}: {complaint(type_.item.fields[part], parts[part])}"))
                odd.append(cast.odd)
        said = [place_in("x", part.from_ or "") for part in parts.values() if part.value is None]
        if said:
            odd.append(f"coalesce({', '.join(said)}, NULL) IS NULL")
            faults.append((odd[-1], f"{name}: has a row that says nothing"))
        if odd:
            any_ = quoted(f"_odd_{name}")
            self.suspects.append(f"{_any_row(rows, ' OR '.join(f'({one})' for one in odd))} AS {any_}")
            self.faults += [(f"{any_} AND {_any_row(rows, fault)}", text) for fault, text in faults]

    def _rows(self, path: str, parts: CanonicalMap) -> str:
        for place in (place for part in parts.values() for place in part.paths):
            insert(self.leaves, [*steps_of(path), "[]", *steps_of(place)])
        return self._place(path)

    def _place(self, path: str) -> str:
        return place_in("r", path)

    def _text(self, path: str) -> str:
        """The native value at ``path`` as text; JSON null and absence are both NULL here."""
        insert(self.leaves, list(steps_of(path)))
        return self._place(path)

    def _kind(self, path: str) -> str:
        """The JSON type at ``path``: 'NULL' for a null, SQL NULL for an absent field, or where nothing is in doubt."""
        place = json_path(path)
        if place not in self.kinds:
            self.kinds.append(place)
        return f"kinds[{self.kinds.index(place) + 1}]"


def _any_row(rows: str, condition: str) -> str:
    return f"len(list_filter({rows}, lambda x: {condition})) > 0"


def _listed(cases: list[tuple[str, str]]) -> str:
    """The texts of those ``cases`` (condition, text) that hold, as a list."""
    if not cases:
        return "CAST([] AS VARCHAR[])"
    held = ", ".join(f"CASE WHEN {condition} THEN {literal(text)} END" for condition, text in cases)
    some = " OR ".join(f"({condition})" for condition, _ in cases)
    return f"CASE WHEN {some} THEN list_filter([{held}], lambda x: x IS NOT NULL) ELSE CAST([] AS VARCHAR[]) END"
