"""Path templates such as ``/orders/{id}``: which one a request's path is."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from difflib import get_close_matches
from urllib.parse import unquote

from tests.connectors.specs.request import NotCovered, SpecRequest, segments

_HOLE = re.compile(r"\{([^}]+)\}")


@dataclass(frozen=True)
class Found:
    """A template that a path is, and the values of its placeholders, decoded."""

    template: str
    values: dict[str, str]


def matching(request: SpecRequest, templates: Iterable[str], servers: list[str]) -> list[Found]:
    """The templates that the request's path is, those with fewest placeholders first. Servers: paths before them.

    Raises:
        NotCovered: it is none; the message names one that looks alike.
    """
    templates = list(templates)
    whole = request.whole_path
    found = [
        Found(template, values)
        for template in templates
        if (values := _values(whole[-len(segments(template)) :], segments(template))) is not None
        and _before(request, whole[: -len(segments(template))], servers)
    ]
    if not found:
        elsewhere = [one for one in templates if _values(whole[-len(segments(one)) :], segments(one)) is not None]
        if elsewhere:
            raise NotCovered(
                f"{elsewhere[0]} lies below {' or '.join(servers)}, and {request.base}{request.path} does not"
            )
        near = get_close_matches(request.path, templates, n=1, cutoff=0.4)
        raise NotCovered(f"{request.path} is no path of it" + (f"; is {near[0]} meant?" if near else ""))
    return sorted(found, key=lambda one: len(one.values))


def _values(given: list[str], template: list[str]) -> dict[str, str] | None:
    if len(given) != len(template):
        return None
    values: dict[str, str] = {}
    for segment, form in zip(given, template, strict=True):
        names = _HOLE.findall(form)
        pattern = "(.+?)".join(re.escape(part) for part in _HOLE.split(form)[::2])
        match = re.fullmatch(pattern, unquote(segment))
        if match is None:
            return None
        values |= dict(zip(names, match.groups(), strict=True))
    return values


def _before(request: SpecRequest, head: list[str], servers: list[str]) -> bool:
    """Whether what comes before the template may be there: the server's path; where the base is unknown, its end."""
    for server in servers or [""]:
        wanted = segments(server)
        if not request.base and len(head) < len(wanted):
            wanted = wanted[len(wanted) - len(head) :]
        if _values(head, wanted) is not None:
            return True
    return False
