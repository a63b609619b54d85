"""What a check gets, and what it says when it has nothing to check against."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


class NotCovered(Exception):
    """The spec does not describe this operation, so it can neither approve nor refuse it."""


@dataclass(frozen=True)
class SpecRequest:
    """One HTTP request as a connector would send it, before auth.

    Attributes:
        path: below the connector's ``base_url``, percent-encoded, without a query.
        query: name -> value, or a list of values where the name is repeated.
        headers: of the connector and of the request together; those that auth adds may be absent.
        json: the parsed JSON body; None: there is none. form: the form-encoded body instead.
        base: the path of ``base_url`` itself, such as ``/stores/abc/v3``; empty where it is only a host, or unknown.
    """

    method: str
    path: str
    query: Mapping[str, Any] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    json: Any = None
    form: Mapping[str, Any] | None = None
    base: str = ""

    @property
    def whole_path(self) -> list[str]:
        """Segments of the path from the root of the host."""
        return segments(self.base) + segments(self.path)

    @property
    def texts(self) -> dict[str, list[str]]:
        """The query as it goes over the wire: name -> its values, in order."""
        return wired(self.query)

    def header(self, name: str) -> str | None:
        """The value of header ``name``, however its capitals are; None: it is not sent."""
        return next((value for key, value in self.headers.items() if key.lower() == name.lower()), None)


def segments(path: str) -> list[str]:
    """The parts of ``path`` between slashes, still percent-encoded."""
    return [part for part in path.split("/") if part]


def wired(values: Mapping[str, Any]) -> dict[str, list[str]]:
    """``values`` as query or form text: name -> its values, in order."""
    return {
        name: [text(one) for one in (value if isinstance(value, list) else [value])] for name, value in values.items()
    }


def text(value: Any) -> str:
    """One value as query or form text."""
    return str(value).lower() if isinstance(value, bool) else str(value)
