"""Claimed keys whose requests the store writes as it claims them, so that no record needs Python on its way out."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from pullpush_dagster.store.sql import literal

# What needs no percent sign in a path, and is no way out of it.
_PLAIN = r"'\A[A-Za-z0-9_~-][A-Za-z0-9._~-]*\z'"


@dataclass(frozen=True)
class Part:
    """One native value of a record: of a ``field``, of the ``key``, of the item's ``binding``, or ``constant`` JSON.

    Attributes:
        name: the native name, as JSON. value: from an SQL text to the SQL of its JSON, null where it has none.
        known: the only canonical values that can be said. cleared: the JSON that empties it; None: nothing does.
    """

    name: str
    field: str | None = None
    key: str | None = None
    binding: str | None = None
    constant: str | None = None
    value: Callable[[str], str] = str
    known: tuple[str, ...] | None = None
    cleared: str | None = None


@dataclass(frozen=True)
class ReadyForm:
    """A request's record, and the values of a binding under which it is the one to be used.

    Attributes:
        path: the texts and values that make it, one after the other; none: it is the same for every record.
    """

    parts: Sequence[Part]
    when: Mapping[str, Sequence[str]]
    path: Sequence[str | Part] = ()


@dataclass(frozen=True)
class Written:
    """How records are written. A form that is None needs Python; ``fixed`` are key fields that are always the same."""

    forms: Sequence[ReadyForm | None]
    fixed: Mapping[str, str]

    def sql(self, *, followed: bool = False) -> str:
        """Every row of ``taken`` with its form (an index), path, record, and what the destination has before and after.

        ``path`` is null where the form has the same for every record. ``record`` is null where Python must look: no
        item or several, nothing to send, a value that cannot be written. ``left`` is what is still taken as accepted
        while it is under way, null: as before.

        Args:
            followed: rows of a ``place`` over 0 follow those before them of the same ``item``, and are written as if
                these had been taken; their ``fields`` are what is had before the first.
        """
        told = {name: place for place, name in enumerate(self._fields)}
        sent = ", ".join(f"CASE WHEN t{place} THEN {_member(name)} || d{place} END" for name, place in told.items())
        gone = ", ".join(f"CASE WHEN t{place} THEN {_member(name)} || 'null' END" for name, place in told.items())
        moved = " OR ".join(f"(t{place} AND h{place} IS NOT NULL)" for place in told.values())
        each = ", ".join(f"d[{n + 1}] AS d{n}, h[{n + 1}] AS h{n}, x[{n + 1}] AS x{n}" for n in told.values())
        sayable = ", ".join(self._sayable(name, place) for name, place in told.items())
        differs = ", ".join(f"coalesce(s{n} AND d{n} IS DISTINCT FROM h{n}, false) AS t{n}" for n in told.values())
        paths = _paths(self._fields)
        # Each step names what the next ones use more than once, since what stands twice is worked out twice.
        return f"""
        WITH read AS (
            SELECT *, json_extract(desired, {paths}) AS d, json_extract(fields, {paths}) AS h,
                json_extract_string(desired, {paths}) AS x, CASE WHEN len(ids) = 1 THEN ids[1] END AS id
            FROM taken
        ), formed AS (
            SELECT * EXCLUDE (d, h, x), {each},
                CASE WHEN id IS NOT NULL{self._fixed()} THEN {self._form()} END AS form
            FROM read
        ), sayable AS (SELECT *, {sayable} FROM formed),
        had AS ({_had(told) if followed else "FROM sayable"}),
        told AS (SELECT *, {differs} FROM had),
        valued AS (
            SELECT *, {", ".join(self._values(told))}, concat_ws(',', {sent}) AS sent, {self._path()} AS path FROM told
        ),
        written AS (SELECT *, CASE form {self._records(told)} END AS record FROM valued)
        SELECT key, sequence, source, desired, attempts, refusals, repeated, fields, ids, form, path, record,
            CASE WHEN record IS NULL THEN NULL WHEN fields IS NULL THEN '{{' || sent || '}}'
                ELSE CAST(json_merge_patch(fields, '{{' || sent || '}}') AS VARCHAR) END AS after,
            CASE WHEN record IS NOT NULL AND ({moved}) THEN CAST(json_merge_patch(fields,
                '{{' || concat_ws(',', {gone}) || '}}') AS VARCHAR) END AS "left"
        FROM written ORDER BY place, item
        """

    @property
    def _fields(self) -> list[str]:
        return sorted({part.field for form in self.forms if form for part in form.parts if part.field})

    def _fixed(self) -> str:
        return "".join(
            f" AND json_extract_string(key, {_path(name)}) = {literal(value)}" for name, value in self.fixed.items()
        )

    def _form(self) -> str:
        cases = []
        for place, form in enumerate(self.forms):
            when = form.when.items() if form else ()
            told = (f"coalesce({_bound(name)}, '') IN ({_listed(allowed)})" for name, allowed in when)
            cases.append(f"WHEN {' AND '.join(['true', *told])} THEN {place}")
        return f"CASE {' '.join(cases)} END"

    def _sayable(self, field: str, place: int) -> str:
        """Whether the field can be sent: it is known, has a way to be said, and its form carries it."""
        carrying, said = [], ["false"]
        for number, form in enumerate(self.forms):
            part = next((one for one in form.parts if one.field == field), None) if form else None
            if part is not None:
                carrying.append(str(number))
                plain = f"d{place} <> 'false'" + (f" AND x{place} IN ({_listed(part.known)})" if part.known else "")
                said = [plain] + ([f"d{place} = 'false'"] if part.cleared is not None else [])
        known = f"d{place} IS NOT NULL AND form IN ({', '.join(carrying)})"
        return f"coalesce({known} AND ({' OR '.join(said)}), false) AS s{place}"

    def _values(self, told: Mapping[str, int]) -> Iterator[str]:
        """The JSON of every part of every form as ``v0_1``; null where it is not to be sent, or cannot be written."""
        for number, form in enumerate(self.forms):
            for place, part in enumerate(form.parts if form else ()):
                needed = f"form = {number}" + (f" AND t{told[part.field]}" if part.field else "")
                yield f"CASE WHEN {needed} THEN {_value(part, told)} END AS v{number}_{place}"

    def _path(self) -> str:
        """The path of what is sent, where it differs from record to record; null also where it cannot be written."""
        paths = [(number, form.path) for number, form in enumerate(self.forms) if form and form.path]
        cases = " ".join(f"WHEN {number} THEN {' || '.join(map(_of_path, path))}" for number, path in paths)
        return f"CASE form {cases} END" if cases else "CAST(NULL AS VARCHAR)"

    def _records(self, told: Mapping[str, int]) -> str:
        return " ".join(
            f"WHEN {number} THEN {_record(number, form, told) if form else 'NULL'}"
            for number, form in enumerate(self.forms)
        )


def _had(told: Mapping[str, int]) -> str:
    """SQL of ``sayable`` with what is had before each row: what the rows before it of its key have sent, over that."""
    before = ", ".join(
        f"coalesce(last_value(CASE WHEN s{n} THEN d{n} END IGNORE NULLS) OVER before, h{n}) AS h{n}"
        for n in told.values()
    )
    had = ", ".join(f"{_member(name)} || h{place}" for name, place in told.items())
    return f"""
        SELECT * REPLACE (CASE WHEN place = 0 THEN fields
            ELSE CAST(json_merge_patch(coalesce(fields, '{{}}'), '{{' || concat_ws(',', {had}) || '}}') AS VARCHAR)
            END AS fields)
        FROM (
            SELECT * REPLACE ({before}) FROM sayable
            WINDOW before AS (PARTITION BY item ORDER BY place ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)
        )"""


def _of_path(part: str | Part) -> str:
    """SQL of a part of a path; null where its text has characters that have a meaning there."""
    return literal(part) if isinstance(part, str) else f"nullif(regexp_extract({_of_record(part)}, {_PLAIN}), '')"


def _record(number: int, form: ReadyForm, told: Mapping[str, int]) -> str:
    """SQL of the record's JSON; null: nothing is to be sent, or a value cannot be written."""
    members, written, sending = [], ["path IS NOT NULL"] if form.path else [], ["false"]
    for place, part in enumerate(form.parts):
        value = f"v{number}_{place}"
        members.append(f"{literal(part.name + ':')} || {value}")
        silent = f"NOT t{told[part.field]} OR " if part.field is not None else ""
        written.append(f"({silent}{value} IS NOT NULL)")
        sending += [f"t{told[part.field]}"] if part.field is not None else []
    return (
        f"CASE WHEN ({' OR '.join(sending)}) AND {' AND '.join(written)}"
        f" THEN '{{' || concat_ws(',', {', '.join(members)}) || '}}' END"
    )


def _value(part: Part, told: Mapping[str, int]) -> str:
    if part.constant is not None:
        return literal(part.constant)
    if part.field is None:
        return f"({part.value(_of_record(part))})"
    place = told[part.field]
    value = part.value(f"x{place}")
    return f"(CASE WHEN d{place} = 'false' THEN {literal(part.cleared)} ELSE {value} END)" if part.cleared else value


def _of_record(part: Part) -> str:
    """SQL of the text that a part takes from the key, or the item."""
    return _bound(part.binding) if part.binding else _of_key(part.key or "")


def _bound(name: str) -> str:
    return f"json_extract_string(id, {_path(name)})"


def _of_key(name: str) -> str:
    return f"json_extract_string(key, {_path(name)})"


def _path(name: str) -> str:
    return literal(f'$."{name}"')


def _paths(names: Sequence[str]) -> str:
    return f"[{', '.join(map(_path, names))}]"


def _member(name: str) -> str:
    return literal(f'"{name}":')


def _listed(values: Sequence[str]) -> str:
    return ", ".join(map(literal, values))
