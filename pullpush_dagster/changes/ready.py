"""Claimed keys whose requests the store writes as it claims them, so that no record needs Python on its way out."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from pullpush_dagster.store.sql import literal


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
    """A request's record, and the values of a binding under which it is the one to be used."""

    parts: Sequence[Part]
    when: Mapping[str, Sequence[str]]


@dataclass(frozen=True)
class Written:
    """How records are written. A form that is None needs Python; ``fixed`` are key fields that are always the same."""

    forms: Sequence[ReadyForm | None]
    fixed: Mapping[str, str]

    @property
    def sql(self) -> str:
        """Every row of ``taken`` with its form (an index), record, and what the destination has before and after.

        ``record`` is null where Python must look: no item or several, nothing to send, a value that cannot be
        written. ``left`` is what is still taken as accepted while it is under way, null: as before.
        """
        fields = sorted({part.field for form in self.forms if form for part in form.parts if part.field})
        told = {name: place for place, name in enumerate(fields)}
        sent = ", ".join(
            f"CASE WHEN t{place} THEN {_member(name)} || d[{place + 1}] END" for name, place in told.items()
        )
        gone = ", ".join(f"CASE WHEN t{place} THEN {_member(name)} || 'null' END" for name, place in told.items())
        moved = " OR ".join(f"(t{place} AND h[{place + 1}] IS NOT NULL)" for place in told.values())
        return f"""
        WITH read AS (
            SELECT *, json_extract(desired, {_paths(fields)}) AS d, json_extract(fields, {_paths(fields)}) AS h,
                json_extract_string(desired, {_paths(fields)}) AS x,
                CASE WHEN len(ids) = 1 THEN ids[1] END AS id
            FROM taken
        ), formed AS (SELECT *, CASE WHEN id IS NOT NULL{self._fixed()} THEN {self._form()} END AS form FROM read),
        told AS (SELECT *, {", ".join(self._told(name, place) for name, place in told.items())} FROM formed),
        written AS (SELECT *, CASE form {self._records(told)} END AS record FROM told)
        SELECT key, sequence, source, desired, attempts, refusals, fields, ids, form, record,
            CASE WHEN record IS NULL THEN NULL WHEN fields IS NULL THEN '{{' || concat_ws(',', {sent}) || '}}'
                ELSE CAST(json_merge_patch(fields, '{{' || concat_ws(',', {sent}) || '}}') AS VARCHAR) END AS after,
            CASE WHEN record IS NOT NULL AND ({moved}) THEN CAST(json_merge_patch(fields,
                '{{' || concat_ws(',', {gone}) || '}}') AS VARCHAR) END AS "left"
        FROM written ORDER BY place
        """

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

    def _told(self, field: str, place: int) -> str:
        """Whether the field is to be sent: it is known, differs, has a way to be said, and its form carries it."""
        carrying, said = [], ["false"]
        for number, form in enumerate(self.forms):
            part = next((one for one in form.parts if one.field == field), None) if form else None
            if part is not None:
                carrying.append(str(number))
                text = f"x[{place + 1}]"
                plain = f"d[{place + 1}] <> 'false'" + (f" AND {text} IN ({_listed(part.known)})" if part.known else "")
                said = [plain] + ([f"d[{place + 1}] = 'false'"] if part.cleared is not None else [])
        differs = f"d[{place + 1}] IS NOT NULL AND d[{place + 1}] IS DISTINCT FROM h[{place + 1}]"
        return f"coalesce({differs} AND form IN ({', '.join(carrying)}) AND ({' OR '.join(said)}), false) AS t{place}"

    def _records(self, told: Mapping[str, int]) -> str:
        return " ".join(
            f"WHEN {place} THEN {_record(form, told) if form else 'NULL'}" for place, form in enumerate(self.forms)
        )


def _record(form: ReadyForm, told: Mapping[str, int]) -> str:
    """SQL of the record's JSON; null: nothing is to be sent, or a value cannot be written."""
    members, written, sending = [], [], ["false"]
    for part in form.parts:
        value = _value(part, told)
        member = f"{literal(part.name + ':')} || {value}"
        if part.field is not None:
            member = f"CASE WHEN t{told[part.field]} THEN {member} END"
            sending.append(f"t{told[part.field]}")
            written.append(f"(NOT t{told[part.field]} OR {value} IS NOT NULL)")
        else:
            written.append(f"{value} IS NOT NULL")
        members.append(member)
    return (
        f"CASE WHEN ({' OR '.join(sending)}) AND {' AND '.join(written)}"
        f" THEN '{{' || concat_ws(',', {', '.join(members)}) || '}}' END"
    )


def _value(part: Part, told: Mapping[str, int]) -> str:
    if part.constant is not None:
        return literal(part.constant)
    if part.field is None:
        return f"({part.value(_bound(part.binding) if part.binding else _of_key(part.key or ''))})"
    place = told[part.field] + 1
    value = part.value(f"x[{place}]")
    return (
        f"(CASE WHEN d[{place}] = 'false' THEN {literal(part.cleared)} ELSE {value} END)"
        if part.cleared
        else f"({value})"
    )


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
