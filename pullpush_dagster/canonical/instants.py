"""Times as platforms write them, as SQL."""

from pullpush_dagster.store.sql import literal

_ZONED = r"[^A-Za-z]+[T ][^A-Za-z]+(Z|[+-]\d{2}(:?\d{2}){0,2})"
_NAMED = r"(?i).* (UTC|GMT)\s*"
_RFC2822 = ("%a, %d %b %Y %H:%M:%S %z", "%a, %d %b %Y %H:%M:%S %Z", "%d %b %Y %H:%M:%S %z")
_FIRST, _LAST = "TIMESTAMPTZ '0001-01-02 00:00:00+00'", "TIMESTAMPTZ '9999-12-31 23:59:59+00'"


def instant_sql(raw: str, form: str, zone: str) -> str:
    """SQL of the instant that the text ``raw`` says in ``form`` (as ``Times.form``); NULL: it says none.

    A time that names no zone is on the clock of ``zone``.
    """
    # A year that nothing else here can hold, such as that of infinity, is none.
    inside = f"least(greatest({_instant(raw, form, zone)}, {_FIRST}), {_LAST})"
    return f"nullif(nullif({inside}, {_FIRST}), {_LAST})"


def _instant(raw: str, form: str, zone: str) -> str:
    match form:
        case "iso":
            return _local(raw, zone)
        case "rfc2822":
            return f"try_strptime({raw}, [{', '.join(literal(one) for one in _RFC2822)}])"
        case "odata":
            return _epoch(f"nullif(regexp_extract({raw}, '^/Date\\((-?\\d+)([+-]\\d+)?\\)/$', 1), '')", 1000)
        case "epoch":
            return _epoch(raw, 1)
        case "epoch_ms":
            return _epoch(raw, 1000)
    parsed = f"try_strptime({raw}, {literal(form)})"
    return parsed if "%z" in form else f"CAST({parsed} AS TIMESTAMP) AT TIME ZONE {literal(zone)}"


def _local(raw: str, zone: str) -> str:
    parsed, with_zone = f"TRY_CAST({raw} AS TIMESTAMP)", f"TRY_CAST({raw} AS TIMESTAMPTZ)"
    # A year that a text may have is past what a zone's clock can tell.
    here = f"make_timestamptz(epoch_us({parsed}))" if zone == "UTC" else f"TRY({parsed} AT TIME ZONE {literal(zone)})"
    # Most texts have no room for a zone.
    plain = f"WHEN strlen({raw}) = 19 AND {raw} LIKE '____-__-_____:__:__' THEN {here}"
    # No text that names a zone may be cast to TIMESTAMPTZ: after `2026-01-01 00:00:00 EST` DuckDB 1.5 takes those
    # without one for times there. A cast to TIMESTAMP refuses all names but UTC.
    named = f"""WHEN regexp_full_match({raw}, '{_NAMED}')
        THEN TRY_CAST(regexp_replace({raw}, ' +...\\s*$', 'Z') AS TIMESTAMPTZ)"""
    if zone == "UTC":
        return f"CASE {plain} WHEN {parsed} IS NOT NULL THEN {with_zone} {named} END"
    return f"CASE {plain} WHEN regexp_full_match({raw}, '{_ZONED}') THEN {with_zone} {named} ELSE {here} END"


def _epoch(number: str, per_second: int) -> str:
    return f"TRY(to_timestamp(TRY_CAST({number} AS DOUBLE) / {per_second}))"
