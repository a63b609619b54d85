"""``15m``, ``1h``, ``1d``: how often, in YAML; and ``10%``: shares."""

import re
from typing import Annotated

from pydantic import BeforeValidator

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_MOST = 31 * 86400


def _seconds(given: object) -> object:
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


def _seconds_or_off(given: object) -> object:
    return None if given == "off" or given is False else _seconds(given)


Seconds = Annotated[int, BeforeValidator(_seconds, json_schema_input_type=str)]
Share = Annotated[float | None, BeforeValidator(_share, json_schema_input_type=str | bool)]
SecondsOrOff = Annotated[int | None, BeforeValidator(_seconds_or_off, json_schema_input_type=str | bool)]
