"""``15m``, ``1h``, ``1d``: how often, in YAML; and ``10%``: shares."""

import re
from typing import Annotated

from pydantic import BeforeValidator

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_MOST = 31 * 86400
_WHOLES = {"minutes": (60, ""), "hours": (3600, " from an hour on"), "days": (86400, " from a day on")}


def _seconds(given: object) -> int:
    match = re.fullmatch(r"(\d+)([smhd])", str(given))
    if not match or not int(match[1]):
        raise ValueError(f"{given!r} is not a duration such as 15m, 1h or 1d")
    seconds = int(match[1]) * _UNITS[match[2]]
    if seconds > _MOST:
        raise ValueError(f"{given!r} is more than 31d, and days are counted from the first of each month")
    return seconds


def _share(given: object) -> object:
    match = re.fullmatch(r"(\d+(?:\.\d+)?)\s*%", str(given))
    if given == "off" or given is False:  # 0 is no "off", though it equals False
        return None
    if not match:
        raise ValueError(f"{given!r} is not a share such as 10%, nor off")
    if float(match[1]) > 100:
        raise ValueError(f"{given!r} is more than all; off is no limit")
    return float(match[1]) / 100


def _every(given: object) -> object:
    """Seconds that a cron line, or a few of them, can say; another one would run more often than is said."""
    return _in_wholes(given, "minutes", "days")


def _quiet(given: object) -> object:
    """The same for what keeps clear of the full hour, so that there is but one line."""
    return None if given == "off" or given is False else _in_wholes(given, *_WHOLES)


def _in_wholes(given: object, *names: str) -> int:
    seconds = _seconds(given)
    for name in names:
        unit, where = _WHOLES[name]
        if (seconds > unit or name == "minutes") and seconds % unit:
            raise ValueError(f"{given!r} is not in whole {name}, as a schedule is{where}")
    return seconds


Seconds = Annotated[int, BeforeValidator(_seconds, json_schema_input_type=str)]
Every = Annotated[int, BeforeValidator(_every, json_schema_input_type=str)]
Quiet = Annotated[int | None, BeforeValidator(_quiet, json_schema_input_type=str | bool)]
Share = Annotated[float | None, BeforeValidator(_share, json_schema_input_type=str | bool)]
