"""A field that depends on others, as SQL: which rule says what it is, and whether that is what it must be."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from pullpush_dagster.canonical.casting import cast_of, complaint
from pullpush_dagster.canonical.field_map import Case, FieldMap
from pullpush_dagster.canonical.types import Scalar
from pullpush_dagster.store.sql import literal

if TYPE_CHECKING:
    from pullpush_dagster.canonical.compile import Projection


def by_case(p: "Projection", name: str, type_: Scalar, mapped: FieldMap) -> str:
    """SQL of what the first case that holds says; ``p`` notes its faults, and nobody else's."""
    arms, before = "", list[str]()
    for case in mapped.cases or []:
        holds = " AND ".join(p.is_one(p.text(path), allowed) for path, allowed in case.when.items()) or "true"
        arms += f"WHEN {holds} THEN {_of_case(p, name, type_, mapped, case, [*before, holds])} "
        before.append(f"NOT ({holds})")
    return f"CAST(CASE {arms}END AS {type_.sql})"


def _of_case(p: "Projection", name: str, type_: Scalar, mapped: FieldMap, case: Case, when: Sequence[str]) -> str:
    """What the field is in ``case``, which is the one where all of ``when`` holds."""
    if case.from_ is None:
        if case.value is None or type_.kind == "text":
            return "NULL" if case.value is None else literal(case.value)
        # A text first and a number after it do not go together.
        return f"CAST({literal(case.value)} AS {type_.sql})"
    alone = mapped.model_copy(update={"from_": case.from_, "cases": None})
    cast = cast_of(p.text(case.from_), p.present(alone, case.from_), type_, alone, p.shape.times)
    if cast.fault:
        holds = " AND ".join(when)
        p.fault(f"{holds} AND {cast.fault}", f"{name}: {complaint(type_, alone)}", f"{holds} AND ({cast.odd})")
    nested = [p.doubtful(name, type_, alone, case.from_, when)] if is_doubtful(type_, alone) else []
    return of_texts(cast.value, nested if name in p.entity.key else [])


def is_doubtful(type_: Scalar, mapped: FieldMap) -> bool:
    """Whether only the JSON type tells what a text means: a number may have lost digits, a text may be an object."""
    return mapped.round is None if type_.kind == "decimal" else type_.kind == "text" and mapped.map is None


def of_texts(value: str, nested: Sequence[str]) -> str:
    """``value``, unless one of the texts that it is made of is none."""
    return f"CASE WHEN {' OR '.join(nested)} THEN NULL ELSE {value} END" if nested else value
