"""One native text cast to a canonical type, in SQL, with the condition under which that goes wrong."""

from dataclasses import dataclass

from pullpush_dagster.canonical.field_map import FieldMap, Times
from pullpush_dagster.canonical.instants import instant_sql
from pullpush_dagster.canonical.types import Scalar
from pullpush_dagster.store.sql import literal

# As nearly every number is written: exact by any of the rules below, and cheap to see.
_PLAIN = r"(-?\d{1,11}(\.\d{1,4})?)?"
# What DECIMAL(18,4) holds without rounding, written out. Casting to a wider decimal and comparing says
# the same and costs thirty times as much.
_FITS = r"[+-]?\d{0,14}(\.\d{0,4}0*)?"
# The same with at most 15 digits, which is what a JSON number keeps: inside a list the two kinds look alike.
_FITS_JSON = r"[+-]?(\d{0,11}(\.\d{0,4}0*)?|\d{12}(\.\d{0,3}0*)?|\d{13}(\.\d{0,2}0*)?|\d{14}(\.\d?0*)?)"
# "1.5E+3" is exact as well; so few digits that DECIMAL(38,18) holds all of it.
_EXPONENT = r"[+-]?\d{1,14}(\.\d{0,8})?[eE](\+?\d{1,2}|-\d)"
# What is scaled is read with 8 decimal places; and the same with at most 15 digits.
_FITS_8 = r"[+-]?\d{0,20}(\.\d{0,8}0*)?"
_FITS_8_JSON = "|".join(rf"[+-]?\d{{0,{15 - places}}}(\.\d{{0,{places}}}0*)?" for places in range(9))
_WHOLE = r"[+-]?\d{1,18}(\.0*)?"


@dataclass(frozen=True)
class Cast:
    """SQL of a cast.

    Attributes:
        value: the canonical value; NULL also where it goes wrong.
        fault: the condition under which it goes wrong; empty: it cannot.
        odd: a condition that holds wherever ``fault`` does, and costs far less.
    """

    value: str
    fault: str = ""
    odd: str = ""


def spoken(text: str, mapped: FieldMap) -> str:
    """``text``, NULL where it is one of the texts that say nothing."""
    said = f"nullif({text}, '')"
    return said if mapped.empty is None else f"nullif({said}, {literal(mapped.empty)})"


def cast_of(
    text: str,
    raw: str,
    type_: Scalar,
    mapped: FieldMap,
    times: Times,
    *,
    in_list: bool = False,
    read: str | None = None,
) -> Cast:
    """The cast of ``raw``, which is ``text`` where the platform's ways to say "nothing" are NULL.

    Args:
        times: how the platform writes times.
        read: a column that holds the value already.
    """
    if mapped.map is None and type_.kind == "instant":
        value = instant_sql(raw, mapped.form or times.form, times.zone)
    elif mapped.scale is not None:
        return _scaled(text, raw, type_, mapped, in_list=in_list, read=read)
    else:
        return _plainly_cast(text, raw, type_, mapped, in_list=in_list, read=read)
    lost = f"({read or value} IS NULL AND {raw} IS NOT NULL)"
    return Cast(value, lost, lost)


def text_cast(raw: str, type_: Scalar, mapped: FieldMap) -> Cast:
    """``raw`` itself; as a text of a row or of an object it goes wrong where it is the JSON of an object or a list.

    To look its JSON type up in each record costs too much there. DuckDB writes what is no text without blanks; a text
    that happens to be written just so is taken for such a one.
    """
    if type_.kind != "text" or mapped.map is not None:
        return Cast(raw)
    odd = f"ord({raw}) IN ({ord('[')}, {ord('{')})"
    return Cast(raw, f"CASE WHEN {odd} AND json_valid({raw}) THEN CAST(json({raw}) AS VARCHAR) = {raw} END", odd)


def _scaled(text: str, raw: str, type_: Scalar, mapped: FieldMap, *, in_list: bool, read: str | None) -> Cast:
    places = mapped.round if mapped.round is not None else 4 if type_.kind == "decimal" else 0
    number = f"TRY_CAST({raw} AS DECIMAL(28,8))"
    product = f"{number} * CAST({literal(format(mapped.scale, 'f'))} AS DECIMAL(10,6))"
    value = f"TRY_CAST(round({product}, {places}) AS {type_.sql})"
    if mapped.round is not None:
        lost = f"({read or value} IS NULL AND {raw} IS NOT NULL)"
        return Cast(value, lost, lost)
    differs = f"{product} IS DISTINCT FROM {read or value}"
    rounds = _rounds(raw, number, _FITS_8_JSON if in_list else _FITS_8)
    return Cast(value, f"({differs} OR {rounds})", f"({differs} OR NOT regexp_full_match({text}, '{_PLAIN}'))")


def _plainly_cast(text: str, raw: str, type_: Scalar, mapped: FieldMap, *, in_list: bool, read: str | None) -> Cast:
    plain = f"regexp_full_match({text}, '{_PLAIN}')"
    if mapped.map is not None:
        arms = " ".join(f"WHEN {literal(native)} THEN {literal(to)}" for native, to in mapped.map.items())
        known = mapped.otherwise is not None and mapped.otherwise != "unknown"
        value = f"CASE {raw} {arms} {'ELSE ' + literal(str(mapped.otherwise)) if known else ''} END"
        if mapped.otherwise is not None:
            return Cast(f"CASE WHEN {raw} IS NOT NULL THEN {value} END")
    elif type_.kind in ("text", "json"):
        return Cast(raw)
    elif mapped.round is not None:
        wide = f"TRY_CAST(round(TRY_CAST({raw} AS DECIMAL(38,18)), {mapped.round}) AS {type_.sql})"
        short = f"TRY_CAST({raw} AS {type_.sql})"
        if type_.kind == "integer":
            value = wide
        elif mapped.round < 4:
            value = f"CASE WHEN {plain} THEN CAST(round({short}, {mapped.round}) AS {type_.sql}) ELSE {wide} END"
        else:
            # To DuckDB "5.7e-14", which floats may leave of a zero, is 0.0001: it goes by the first digit alone.
            value = f"CASE WHEN contains({raw}, 'e') OR contains({raw}, 'E') THEN {wide} ELSE {short} END"
    else:
        value = f"TRY_CAST({raw} AS {type_.sql})"
    lost = f"({read or value} IS NULL AND {raw} IS NOT NULL)"
    if mapped.map is None and type_.kind == "decimal":
        if read is not None:
            if mapped.round is not None:
                return Cast(value, lost, lost)
            # A text that the value's own begins with is all in it; cheaper than to match a pattern.
            plain = f"coalesce(starts_with(CAST({read} AS VARCHAR), {text}), {raw} IS NULL)"
        rounds = _rounds(raw, read or value, _FITS_JSON if in_list else _FITS)
        return Cast(
            value, f"CASE WHEN {plain} THEN false ELSE {rounds if mapped.round is None else lost} END", f"NOT {plain}"
        )
    if mapped.map is None and type_.kind == "integer" and mapped.round is None:
        lost = f"({lost} OR NOT regexp_full_match({raw}, '{_WHOLE}'))"
    return Cast(value, lost, lost)


def divided(number: Cast, other: Cast, places: int, type_: Scalar) -> Cast:
    """``number`` over ``other``, half away from zero at ``places``; unknown where that is 0 or there is no room.

    In whole numbers: DuckDB divides decimals as doubles, which do not keep money.
    """
    top, bottom = (f"CAST(CAST({one.value} AS DECIMAL(38,4)) * 10000 AS HUGEINT)" for one in (number, other))
    scaled = f"(2 * abs({top}) * {10**places} + abs({bottom})) // nullif(2 * abs({bottom}), 0)"
    value = f"CAST(sign({top}) * sign({bottom}) * ({scaled}) AS DECIMAL(38,0)) * {format(10**-places, f'.{places}f')}"
    faults = [one for one in (number, other) if one.fault]
    return Cast(
        f"TRY(CAST({value} AS {type_.sql}))",
        " OR ".join(f"({one.fault})" for one in faults),
        " OR ".join(f"({one.odd})" for one in faults),
    )


def _rounds(raw: str, value: str, fits: str) -> str:
    """Whether ``raw`` is no number, or none that ``value`` holds all of."""
    differs = f"coalesce(TRY_CAST({raw} AS DECIMAL(38,18)) <> {value}, true)"
    return (
        f"CASE WHEN {raw} IS NULL THEN false WHEN regexp_full_match({raw}, '{fits}') THEN {value} IS NULL "
        f"WHEN regexp_full_match({raw}, '{_EXPONENT}') THEN {differs} ELSE true END"
    )


def complaint(type_: Scalar, mapped: FieldMap) -> str:
    """What is wrong, for people, where the cast goes wrong."""
    if mapped.map is not None:
        return f"is none of {', '.join(mapped.map)}"
    if type_.kind == "text":
        return "is no text, but an object or a list"
    if mapped.over is not None:
        return "is not a quotient of two numbers with at most 4 decimal places"
    if type_.kind == "decimal" and mapped.round is not None:
        return "is not a number of at most 14 digits before the point"
    if type_.kind == "decimal":
        return "is not a number, or would be rounded to fit 4 decimal places (round: N allows it)"
    return f"is not {'a time' if type_.kind == 'instant' else 'a whole number'}"
