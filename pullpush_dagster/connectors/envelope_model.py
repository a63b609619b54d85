"""A request that carries all others, for platforms that have one address for everything, in a connector file."""

from collections.abc import Mapping

from pydantic import Field

from pullpush_dagster.connectors.request import JsonTemplate, Request
from pullpush_dagster.connectors.template import holes


class Envelope(Request):
    """One request that every request of the file is put into, for connections whose settings say so.

    Its body holds, beside settings and secrets: ``{path.1}``, ``{path.2}``, ... the parts of the carried request's
    path; ``{positional}`` and ``{named}`` the parts of its body; ``{login}`` what ``login`` was answered with.

    Attributes:
        when: setting -> the value under which it is used. Under the setting's default requests go as they are, and
            any other value is refused.
        at: the origin it goes to, in place of ``base_url``. What proves who we are stands in its body, so ``auth``
            is left out.
        positional: names of those parts of a carried body that are given by their place, in this order.
        sign: path of what every answer to it has; one without it is none.
        answer: path of the answer to the carried request, as if that had gone by itself; where nothing is, it is null.
        error: path of the error to the carried request, under a status that calls itself good.
        status: what such an error counts as.
        login: JSON body of the envelope that asks who we are; asked once, and once more after a refusal. An answer
            that is false or nothing is a refusal.
    """

    when: dict[str, str] = Field(min_length=1)
    at: str
    positional: list[str] = []
    sign: str
    answer: str
    error: str
    status: int = Field(default=500, ge=400, le=599)
    login: JsonTemplate = None

    def used(self, settings: Mapping[str, object]) -> bool:
        """Whether a connection with these ``settings`` uses it."""
        return all(settings.get(name) == value for name, value in self.when.items())

    def problems(self, settings: Mapping[str, str], defaults: Mapping[str, str]) -> list[tuple[str, str]]:
        """(setting, what is wrong with it) in a connection that says ``settings``. Empty: nothing is."""
        found = [
            (name, f"is none of {', '.join(allowed)}")
            for name, value in self.when.items()
            if settings.get(name) not in (allowed := [defaults[name], value])
        ]
        if found or not self.used(settings):
            return found
        needed = dict.fromkeys(holes([self.at, self.body, self.login]))
        names = [hole.removeprefix("settings.") for hole in needed if hole.startswith("settings.")]
        said = ", ".join(f"{name}: {value}" for name, value in self.when.items())
        return [(name, f"is required with {said}") for name in names if not settings.get(name)]
