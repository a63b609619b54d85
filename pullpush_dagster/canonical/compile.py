"""Compile a canonical_map into one DuckDB projection over raw page bodies. No record is touched by Python."""

from collections.abc import Iterable, Sequence

from pullpush_dagster.canonical.cases import by_case, is_doubtful, of_texts
from pullpush_dagster.canonical.casting import cast_of, complaint, spoken, text_cast
from pullpush_dagster.canonical.doubts import Doubts
from pullpush_dagster.canonical.entity import Entity
from pullpush_dagster.canonical.field_map import CanonicalMap, FieldMap
from pullpush_dagster.canonical.lists import list_sql
from pullpush_dagster.canonical.native import insert, is_one, place_in, steps_of, structure
from pullpush_dagster.canonical.shape import RecordShape, bodies_sql, items_sql
from pullpush_dagster.canonical.types import ListOf, Scalar, Struct
from pullpush_dagster.store.sql import literal, quoted

_NONE = "CAST([] AS VARCHAR[])"


def projection(entity: Entity, fields: CanonicalMap, shape: RecordShape, scope: dict[str, str]) -> str:
    """SQL over ``pages(walk, page, asked_at, body)``: one row per native record, in canonical columns.

    Columns: ``_page``, ``_row`` (place in its page), ``_askedAt``, ``_externalId`` (JSON text),
    ``_live``, every field of ``entity`` (unmapped ones unknown), ``_cleared`` (names), ``_faults``
    (reasons why the row cannot be read; empty: it can).
    """
    return Projection(entity, fields, shape, scope).sql()


class Projection:
    """The SQL goes in steps, so that nothing is parsed or cast twice and the rare is paid for only where it is.

    ``parsed``: the records of a page, each a struct of texts. ``typed``: with JSON types, where a text alone does not
    say what the platform meant. ``native``: one row for each record; ``meant``: of this entity, with what is asked for
    more than once. ``read``: canonical values. Then what was cleared and what is wrong, each behind one condition that
    is false for nearly every record.
    """

    def __init__(self, entity: Entity, fields: CanonicalMap, shape: RecordShape, scope: dict[str, str]) -> None:
        self.entity, self.fields, self.shape, self.scope = entity, fields, shape, scope
        self.leaves: dict[str, object] = {}
        self.doubts = Doubts(shape)
        self.named: list[str] = []
        self.suspects: list[str] = []
        self.faults: list[tuple[str, str]] = []
        self.odd: dict[str, None] = {}
        self.cleared: list[tuple[str, str]] = []

    def sql(self) -> str:
        columns = [f"{self._field(name)} AS {quoted(name)}" for name in self.entity.fields]
        self._whole()
        columns = [*self._identity(), *columns, *self.suspects, f"{self._emptied()} AS _emptied"]
        named = "".join(f", {one}" for one in self.named)
        names = ", ".join(quoted(name) for name in self.entity.fields)
        skipped = " OR ".join(f"{self.text(path)} = {literal(is_)}" for path, is_ in self.shape.skip.items())
        bare = "bare, " if self.shape.rows else ""
        return f"""
WITH {bodies_sql(self.shape)}, parsed AS (
    SELECT _page, _askedAt, _at, body, {items_sql(self.shape, structure(self.leaves))} AS items FROM bodies
), {self.doubts.sql()}, native AS (
    SELECT _page, _askedAt, coalesce(_at, generate_subscripts(items, 1)) AS _row, {bare}doubts,
           unnest(items) AS r, unnest(one) AS one, unnest(wholes) AS whole
    FROM typed
), meant AS (
    SELECT *, {self.doubts.kinds_sql()} AS kinds{named} FROM native WHERE NOT coalesce({skipped or "false"}, false)
), read AS (
    SELECT _page, _row, _askedAt, {bare}doubts, r, one, kinds, {", ".join(columns)} FROM meant
)
SELECT _page, _row, _askedAt, _externalId, _live, {names},
       {self._cleared()} AS _cleared, {self._faults()} AS _faults
FROM read"""

    def _whole(self) -> None:
        """Note when the native record is only a part of itself."""
        for path, is_ in self.shape.whole.items():
            self.fault(f"NOT {self.is_one(self.text(path), is_)}", f"is only a part: {path}")
        if self.shape.rows is not None:
            self.fault("bare", f"has no list at {self.shape.rows}")

    def _identity(self) -> list[str]:
        ids = ", ".join(f"{quoted(name)}: {self.text(path)}" for name, path in self.shape.external_id.items())
        live = " AND ".join(f"{self.text(path)} = {literal(is_)}" for path, is_ in self.shape.live.items())
        # Without its first id a record has no identity: two of them must not pass for one.
        known = " OR ".join(f"{self.text(path)} <> ''" for path in list(self.shape.external_id.values())[:1])
        return [
            f"CASE WHEN {known or 'false'} THEN CAST(to_json({{{ids}}}) AS VARCHAR) END AS _externalId",
            f"coalesce({live}, false) AS _live" if live else "true AS _live",
        ]

    def _field(self, name: str) -> str:
        type_, mapped = self.entity.fields[name], self.fields.get(name)
        if mapped is None:
            return f"CAST(NULL AS {type_.sql})"
        if isinstance(type_, ListOf):
            return list_sql(self, name, type_, mapped)
        if isinstance(type_, Struct):
            return self._object(name, type_, mapped)
        return self._top_scalar(name, type_, mapped)

    def _top_scalar(self, name: str, type_: Scalar, mapped: FieldMap) -> str:
        value = self._told(name, type_, mapped)
        return f"CASE WHEN {self._counts(mapped)} THEN {value} END" if mapped.unknown_unless else value

    def _told(self, name: str, type_: Scalar, mapped: FieldMap) -> str:
        """What is told at the field's places, whether or not it counts."""
        if mapped.join is not None or mapped.cases is not None:
            made = by_case(self, name, type_, mapped) if mapped.cases else self._joined(name, type_, mapped)
            nested = [self.doubtful(name, type_, mapped, path) for path in mapped.join or []]
            if name in self.entity.key:
                made = of_texts(made, nested)
            return self._in_case(name, made)
        if mapped.from_ is None or mapped.from_.startswith("scope."):
            given = mapped.value if mapped.from_ is None else self.scope.get(mapped.from_.partition(".")[2])
            return f"CAST({'NULL' if given is None else literal(given)} AS {type_.sql})"
        alone = mapped.minus is None and not mapped.unknown_unless
        value = self._checked(name, mapped.from_, type_, mapped, read=quoted(name) if alone else None)
        nested = [self.doubtful(name, type_, mapped, mapped.from_)]
        before = []
        for path, other in zip((mapped.from_, *mapped.or_), mapped.or_, strict=False):
            before.append(f"{self.present(mapped, path)} IS NULL")
            nested += [self.doubtful(name, type_, mapped, other, before)] if is_doubtful(type_, mapped) else []
        if name in self.entity.key:
            value = of_texts(value, nested)
        value = self._in_case(name, value)
        if mapped.minus is not None:
            if is_doubtful(type_, mapped):
                self.doubtful(name, type_, mapped, mapped.minus)
            other = self._checked(name, mapped.minus, type_, mapped)
            # Past 14 digits the difference has no room; it is unknown then, as one bad record must not fail the pull.
            value = f"TRY(CAST({value} - {other} AS {type_.sql}))"
        self.clears(name, mapped)
        return value

    def _in_case(self, name: str, value: str) -> str:
        if name in self.entity.lowered:
            return f"lower({value})"
        return f"upper({value})" if name in self.entity.raised else value

    def _joined(self, name: str, type_: Scalar, mapped: FieldMap) -> str:
        texts = ", ".join(self.present(mapped, path) for path in mapped.join or [])
        joined = f"nullif(concat_ws({literal(mapped.with_)}, {texts}), '')"
        if type_.kind == "text":
            return joined
        cast = cast_of(joined, joined, type_, mapped, self.shape.times)
        self.fault(cast.fault, f"{name}: {complaint(type_, mapped)}", cast.odd)
        return cast.value

    def _counts(self, mapped: FieldMap) -> str:
        """When the native value counts at all."""
        return " AND ".join(f"{self.text(path)} = {literal(is_)}" for path, is_ in mapped.unknown_unless.items())

    def doubtful(self, name: str, type_: Scalar, mapped: FieldMap, path: str, when: Sequence[str] = ()) -> str:
        """Note faults of a top-level value that only its JSON type can tell; when a text is none.

        ``when``: all that must hold for the value at ``path`` to be the one that counts.
        """
        text, kind, nested, counts = self.text(path), self.kind(path), "false", "".join(f"{one} AND " for one in when)
        if type_.kind == "decimal" and mapped.round is None:
            # JSON numbers reach SQL as doubles: past 15 digits they are no longer what the platform wrote.
            long = self.doubt(path, f"strlen({text}) > 15")
            digits = f"{counts}doubts <> 0 AND {kind} = 'DOUBLE' AND length(replace(ltrim({text}, '-0'), '.', '')) > 15"
            self.fault(digits, f"{name}: has more digits than a JSON number keeps (round: N allows it)", counts + long)
        if type_.kind == "text" and mapped.map is None:
            # Begins with [ or {; a comparison of texts takes twice as long.
            opened = self.doubt(path, f"ord({text}) IN ({ord('[')}, {ord('{')})")
            nested = f"{counts}doubts <> 0 AND {kind} IN ('OBJECT', 'ARRAY')"
            self.fault(nested, f"{name}: {complaint(type_, mapped)}", counts + opened)
        return nested

    def _checked(self, name: str, path: str, type_: Scalar, mapped: FieldMap, *, read: str | None = None) -> str:
        """The canonical value at ``path``; ``read`` is the column that will hold it, if one will hold just it."""
        text, raw = self.text(path), self.present(mapped, path)
        if mapped.or_ and path == mapped.from_:
            text = raw = f"coalesce({', '.join([raw, *(self.present(mapped, other) for other in mapped.or_)])})"
        cast = cast_of(text, raw, type_, mapped, self.shape.times, read=read)
        if cast.fault:
            self.fault(cast.fault, f"{name}: {complaint(type_, mapped)}", cast.odd)
        return cast.value

    def fault(self, condition: str, reason: str, odd: str = "") -> None:
        """Note that a record is faulty where ``condition`` holds, which it never does but where ``odd`` does."""
        self.faults.append((condition, reason))
        self.odd[odd or condition] = None

    def _faults(self) -> str:
        """The reasons why a record cannot be read."""
        odd = " OR ".join(f"({one})" for one in self.odd)
        return f"CASE WHEN {odd} THEN {_listed(self.faults)} ELSE {_NONE} END" if odd else _NONE

    def _emptied(self) -> str:
        """A bit for each field that is cleared."""
        bits = (f"CASE WHEN {condition} THEN {1 << at} ELSE 0 END" for at, (condition, _) in enumerate(self.cleared))
        return " | ".join(bits) or "0"

    def _cleared(self) -> str:
        """The names of what is cleared; mostly that is one field, and to filter a list takes as long as two casts."""
        one = " ".join(f"WHEN {1 << at} THEN [{literal(name)}]" for at, (_, name) in enumerate(self.cleared))
        bits = ((f"_emptied & {1 << at} <> 0", name) for at, (_, name) in enumerate(self.cleared))
        return f"CASE _emptied WHEN 0 THEN {_NONE} {one} ELSE {_listed(bits)} END" if self.cleared else _NONE

    def clears(self, name: str, mapped: FieldMap) -> None:
        """Note when the native record says that the field is empty, where that means *cleared*."""
        if name not in self.entity.compared or mapped.from_ is None:
            return
        # A list has no text of its own to compare with.
        text = self.place(mapped.from_) if mapped.each else self.text(mapped.from_)
        nothing, kind = f"{text} IS NULL", self.kind(mapped.from_)
        empty = [f"({nothing} AND {kind} = 'NULL')"]
        empty += [] if mapped.each else [f"{text} = {literal(said)}" for said in ("", mapped.empty) if said is not None]
        if self.false_is_empty(mapped):
            false = nothing if mapped.each else self.doubt(mapped.from_, f"{text} = 'false'")
            empty.append(f"({false} AND {kind} = 'BOOLEAN')")
        rules = empty if (mapped.null or self.entity.null_state(name)) == "cleared" else []
        rules += [f"({nothing} AND {kind} IS NULL)"] if mapped.missing == "cleared" else []
        if rules:
            rule = " OR ".join(rules)
            for other in mapped.or_:
                rule = f"({rule}) AND {self.present(mapped, other)} IS NULL"
            for other in mapped.also:
                rule = f"({rule}) AND {self.place(other)} IS NULL"
            self.doubt(mapped.from_, nothing)
            self.cleared.append((f"({rule}) AND {self._counts(mapped)}" if mapped.unknown_unless else rule, name))

    def false_is_empty(self, mapped: FieldMap) -> bool:
        return self.shape.false_is_empty and "false" not in (mapped.map or {})

    def present(self, mapped: FieldMap, path: str) -> str:
        """Native text at ``path``; NULL when it is null, empty, absent, or the platform's ``false``."""
        text = spoken(self.text(path), mapped)
        if not self.false_is_empty(mapped):
            return text
        self.doubt(path, f"{self.text(path)} = 'false'")
        return f"CASE WHEN {self.kind(path)} <> 'BOOLEAN' OR {text} <> 'false' THEN {text} END"

    def _object(self, name: str, type_: Struct, mapped: FieldMap) -> str:
        parts = mapped.fields or {}
        values, known = [], ["NULL"]
        for part, part_type in type_.fields.items():
            value = "NULL"
            if part in parts and parts[part].value is not None:
                value = literal(parts[part].value or "")
            elif part in parts and parts[part].join is not None:
                value = self._joined(f"{name}.{part}", part_type, parts[part])
                known.append(value)
                for path in parts[part].join or []:
                    self.doubtful(f"{name}.{part}", part_type, parts[part], path)
            elif part in parts and parts[part].cases is not None:
                value = by_case(self, f"{name}.{part}", part_type, parts[part])
                known.append(value)
            elif part in parts:
                path = parts[part].from_ or ""
                known += [self.present(parts[part], one) for one in (path, *parts[part].or_)]
                value = self._checked(f"{name}.{part}", path, part_type, parts[part])
                self._told_as_text(f"{name}.{part}", part_type, parts[part], f"{quoted(name)}.{quoted(part)}")
            values.append(f"{quoted(part)}: CAST({value} AS {part_type.sql})")
        return f"CASE WHEN coalesce({', '.join(known)}) IS NOT NULL THEN {{{', '.join(values)}}} END"

    def _told_as_text(self, name: str, type_: Scalar, mapped: FieldMap, read: str) -> None:
        """Note a fault where what was ``read`` is the JSON of an object or a list."""
        cast = text_cast(read, type_, mapped)
        if cast.fault:
            self.fault(cast.fault, f"{name}: {complaint(type_, mapped)}", cast.odd)

    def is_one(self, text: str, allowed: list[str]) -> str:
        """SQL of whether ``text`` is one of ``allowed``, as ``native.is_one``."""
        return is_one(text, allowed, false_is_empty=self.shape.false_is_empty)

    def native(self, path: str) -> str:
        """``path`` in what was read of a record."""
        return self.shape.native(path)

    def place(self, path: str) -> str:
        """SQL of what lies at ``path``."""
        return place_in("r", self.native(path))

    def text(self, path: str) -> str:
        """The native value at ``path`` as text; JSON null and absence are both NULL here."""
        insert(self.leaves, list(steps_of(self.native(path))))
        return self.place(path)

    def kind(self, path: str) -> str:
        """The JSON type at ``path``, as ``Doubts.kind``."""
        return self.doubts.kind(self.native(path))

    def doubt(self, path: str, condition: str) -> str:
        """``condition``, under which the JSON type at ``path`` is looked up."""
        return self.doubts.note(self.native(path), condition)


def _listed(cases: Iterable[tuple[str, str]]) -> str:
    """The texts of those ``cases`` (condition, text) that hold, as a list."""
    held = ", ".join(f"CASE WHEN {condition} THEN {literal(text)} END" for condition, text in cases)
    return f"list_filter([{held}], lambda x: x IS NOT NULL)"
