"""The typed form of a connector file. Every fact a platform's API has is one field here."""

from typing import Literal

from pydantic import Field, model_validator

from pullpush_dagster.canonical.field_map import CanonicalMap, Path
from pullpush_dagster.connectors.push_model import PushFacts
from pullpush_dagster.connectors.request import Fact, Request


class Auth(Fact):
    """How a request proves who we are. Values are templates over ``{secret.NAME}`` and ``{settings.NAME}``."""

    type: Literal["bearer", "basic", "oauth1", "header"]
    token: str | None = None
    user: str | None = None
    password: str | None = None
    key: str | None = None
    secret: str | None = None
    header: str | None = None

    @model_validator(mode="after")
    def _complete(self) -> "Auth":
        needed = {"basic": ("user", "password"), "oauth1": ("key", "secret")}.get(self.type, ("token",))
        for name in needed:
            if getattr(self, name) is None:
                raise ValueError(f"type: {self.type} needs {name}")
        return self


class Rate(Fact):
    """A token bucket: a request takes a token, ``requests`` tokens come in ``seconds``, and it holds ``burst``.

    So in no stretch of ``seconds`` do more than ``requests + burst - 1`` go out.
    """

    requests: int = Field(ge=1)
    seconds: float = Field(default=1.0, gt=0)
    burst: int = Field(default=1, ge=1)

    @property
    def interval(self) -> float:
        """Seconds in which one token comes."""
        return self.seconds / self.requests


class Limits(Fact):
    """What the platform bears, of all processes that use one connection together.

    ``concurrency``: requests in flight. ``rate``: how many may start; None: it states none. ``throttled``: the
    statuses by which it says "slower". ``attempts``: how often a request that changes nothing is asked.
    ``timeout``: seconds for one whole exchange. A push's lease outlives it, so it has an upper bound.
    """

    concurrency: int = Field(default=4, ge=1, le=256)
    rate: Rate | None = None
    throttled: list[int] = [429, 503]
    timeout: float = Field(default=60.0, gt=0, le=110)
    attempts: int = Field(default=6, ge=1)


class Errors(Fact):
    """Where an error body says what is wrong (paths), and which codes stay wrong however often one asks."""

    code: str | None = None
    message: str | None = None
    permanent: list[str] = []


class Pages(Fact):
    """How one walks the pages of an answer.

    Attributes:
        style: ``keyset`` asks for records after the last one's ``after`` value; ``page`` counts, over an
            order that edits do not change; ``next`` follows the cursor the body gives; ``none``: one answer.
        after: keyset: path of the value to go on from.
        next: next: body path of the next cursor; null or absent ends the walk.
        total: ``header.NAME`` or ``body.path`` with the number of records in all pages.
    """

    style: Literal["keyset", "page", "next", "none"]
    size: int = Field(default=100, ge=1)
    after: Path | None = None
    next: str | None = None
    total: str | None = None

    @model_validator(mode="after")
    def _complete(self) -> "Pages":
        if self.style == "keyset" and self.after is None:
            raise ValueError("style: keyset needs after: the path of the value to go on from")
        return self


class Since(Fact):
    """How the API filters by a modified stamp.

    Attributes:
        format: strftime form of ``{since}`` and ``{until}``, in UTC.
        operator: ``after`` leaves out records with exactly that stamp, ``from`` gives them.
        grain: seconds between two different stamps.
        overlap: seconds asked for again before the watermark: late commits, clock skew.
    """

    format: str
    operator: Literal["from", "after"]
    grain: float = 1.0
    overlap: float = 300.0


class Walk(Fact):
    """One way through the records; a pull may need several, each with its own watermark.

    Attributes:
        by: put into the request as ``{walk.by}``.
        stamp: path of the stamp the filter works on. Without it the watermark is the platform's
            clock when the walk began.
    """

    by: str | None = None
    stamp: Path | None = None


class Scope(Request):
    """A request that turns a scope's name (such as a warehouse code) into the platform's own ids."""

    each: str = "body"
    set: dict[str, Path]


class Count(Request):
    """A request that says how many records a full walk must give."""

    total: str = "body"


class PullFacts(Request):
    """What one asks to get an entity's records."""

    each: str = "body"
    pages: Pages
    since: Since | None = None
    walks: dict[str, Walk] = {"all": Walk()}
    scope: dict[str, Scope] = {}
    count: Count | None = None


class Binding(Fact):
    """The platform's own ids of a record. ``shares``: they are another entity's (stock lives on its product)."""

    id: Path
    parent: Path | None = None
    shares: str | None = None


class EntityFacts(Fact):
    """One entity on one platform.

    Attributes:
        live: native values under which a record is in use; one that is not claims no key from one that is.
        skip: native values, any of which makes a record none of this entity's, such as an abandoned checkout.
    """

    pull: PullFacts | None = None
    canonical_map: CanonicalMap = {}
    binding: Binding
    live: dict[Path, str] = {}
    skip: dict[Path, str] = {}
    push: PushFacts | None = None
    verified: str | None = None


class ConnectorFile(Fact):
    """A whole connector file."""

    connector: str
    title: str
    docs: str
    base_url: str
    settings: list[str] = []
    optional_settings: list[str] = []
    secrets: list[str] = []
    auth: dict[Literal["https", "http"], Auth] | Auth
    headers: dict[str, str] = {}
    limits: Limits = Limits()
    errors: Errors = Errors()
    false_is_empty: bool = False
    entities: dict[str, EntityFacts]
