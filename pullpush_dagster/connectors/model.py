"""The typed form of a connector file. Every fact a platform's API has is one field here."""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from pullpush_dagster.canonical.field_map import CanonicalMap, Path

JsonTemplate = Any  # any YAML value; texts in it may hold {placeholders}


class Fact(BaseModel):
    """A part of a connector file; unknown keys are refused, so that a typo cannot pass for a fact."""

    model_config = ConfigDict(extra="forbid", frozen=True)


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


class Limits(Fact):
    """What the platform bears: requests in flight, and the statuses by which it says "slower".

    ``attempts``: how often a request that changes nothing is asked. ``timeout``: seconds for one whole
    exchange. A push's lease outlives it, so it has an upper bound.
    """

    concurrency: int = Field(default=4, ge=1, le=256)
    throttled: list[int] = [429, 503]
    timeout: float = Field(default=60.0, gt=0, le=110)
    attempts: int = Field(default=6, ge=1)


class Errors(Fact):
    """Where an error body says what is wrong (paths), and which codes stay wrong however often one asks."""

    code: str | None = None
    message: str | None = None
    permanent: list[str] = []


class Request(Fact):
    """One HTTP request. Exactly one of get, post, put is its path below ``base_url``.

    A text that is one whole ``{placeholder}`` keeps the value's type. A query parameter, object entry or
    list-in-a-list that holds a placeholder without a value is left out.
    """

    get: str | None = None
    post: str | None = None
    put: str | None = None
    query: dict[str, JsonTemplate] = {}
    body: JsonTemplate = Field(default=None, alias="json")

    @model_validator(mode="after")
    def _one_path(self) -> "Request":
        if sum(path is not None for path in (self.get, self.post, self.put)) != 1:
            raise ValueError("give exactly one of: get, post, put")
        return self

    @property
    def method(self) -> str:
        return "GET" if self.get else "POST" if self.post else "PUT"

    @property
    def path(self) -> str:
        return self.get or self.post or self.put or ""


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


class Find(Request):
    """The batched look-up of records by key. ``{keys}`` is the comma-separated list of match values."""

    each: str = "body"
    match: Path
    field: str
    batch: int = Field(default=50, ge=1)


class Write(Request):
    """A request that carries records.

    Attributes:
        when: binding values under which this form applies.
        unless: canonical values (field -> value) for which nothing is sent at all.
        at: where in the body the list of records goes; without it the request carries one record, as its body.
        record: native field -> template. An entry whose canonical field is not to be sent is left out.
        answers: body path of the list of answers (or of the one answer).
        match: how an answer names its record: by ``id`` (the record's ``id``) or by ``position``.
    """

    when: dict[str, str] = {}
    unless: dict[str, str] = {}
    at: str | None = None
    record: dict[str, JsonTemplate]
    answers: str = "body"
    match: Literal["id", "position"] = "position"


class PushFacts(Fact):
    """What one sends to change an entity's records.

    Attributes:
        find: the look-up that fills bindings. create: absent means that we cannot create here.
        update: the forms of an update; the first whose ``when`` holds is used.
        batch: most records in one request.
        values: canonical value -> native value, per canonical field.
        cleared: the native value that empties a field, per canonical field; others cannot be emptied.
        echo: native fields whose echoed value must equal the sent one.
        error, code: paths, in one record's answer, of its error message and code.
        gone: codes that say that the binding is stale. exists: codes that say that the record is there already.
        settle: seconds after which a request without an answer has either arrived or never will.
    """

    find: Find
    create: Write | None = None
    update: list[Write]
    batch: int = Field(default=1, ge=1)
    values: dict[str, dict[str, str]] = {}
    cleared: dict[str, JsonTemplate] = {}
    echo: list[str] = []
    error: str | None = None
    code: str | None = None
    gone: list[str] = []
    exists: list[str] = []
    settle: float = 90.0


class EntityFacts(Fact):
    """One entity on one platform."""

    pull: PullFacts | None = None
    canonical_map: CanonicalMap = {}
    binding: Binding
    live: dict[Path, str] = {}
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
