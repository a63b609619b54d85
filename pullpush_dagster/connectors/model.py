"""The typed form of a connector file. Every fact a platform's API has is one field here."""

from typing import Literal

from pydantic import Field, model_validator

from pullpush_dagster.canonical.field_map import CanonicalMap, Path, Texts, Times
from pullpush_dagster.connectors.auth_model import Auth
from pullpush_dagster.connectors.bulk_model import Bulk
from pullpush_dagster.connectors.envelope_model import Envelope
from pullpush_dagster.connectors.limits_model import Errors, Limits
from pullpush_dagster.connectors.push_model import PushFacts
from pullpush_dagster.connectors.request import Fact, Request


class Pages(Fact):
    """How one walks the pages of an answer.

    Attributes:
        style: ``keyset`` asks for records after the last one's ``after`` value; ``page`` and ``offset`` count pages
            or records, over an order that edits do not change; ``next`` follows the cursor the body gives, ``link``
            the address at ``next`` (a body path, or ``header.link``); ``none``: one answer.
        after: keyset: path of the value to go on from.
        next: next: body path of the next cursor; link: of the next address. Null, empty or absent ends the walk.
        more: body path of what says whether there is another page: false ends the walk.
        first: page, offset: the number of the first one.
        total: ``header.NAME`` or ``body.path`` with the number of records in all pages.
        past: error messages, or codes, by which it says that there is no such page, as no record is left.
        cap: most records that one question gives in all its pages; a walk that comes to it fails, as more may follow.
    """

    style: Literal["keyset", "page", "offset", "next", "link", "none"]
    size: int = Field(default=100, ge=1)
    after: Path | None = None
    next: str | None = None
    more: str | None = None
    first: int | None = Field(default=None, ge=0, le=1)
    total: str | None = None
    past: list[str] = []
    cap: int | None = Field(default=None, ge=1)

    @model_validator(mode="after")
    def _complete(self) -> "Pages":
        if self.style == "keyset" and self.after is None:
            raise ValueError("style: keyset needs after: the path of the value to go on from")
        if self.style == "link" and self.next is None:
            raise ValueError("style: link needs next: the path of the next address")
        return self

    @property
    def begins(self) -> int | None:
        """The number of the first page or record; None: this style does not count."""
        usual = {"page": 1, "offset": 0}.get(self.style)
        return self.first if self.first is not None and usual is not None else usual


class Since(Fact):
    """How the API filters by a modified stamp.

    Attributes:
        format: form of ``{since}`` and ``{until}``: strftime, or ``epoch`` or ``epoch_ms``.
        zone: whose clock it is in, such as ``America/Los_Angeles``.
        operator: ``after`` leaves out records with exactly that stamp, ``from`` gives them.
        grain: seconds between two different stamps; bounds are widened to it, as to whole days.
        overlap: seconds asked for again before the watermark: late commits, clock skew.
        sorted: whether pages come in an order that edits do not change. If not, a sync run drains what was there
            when it began, and its watermark moves to that instant.
    """

    format: str
    zone: str = "UTC"
    operator: Literal["from", "after"]
    grain: float = 1.0
    overlap: float = 300.0
    sorted: bool = True


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
    """What one asks to get an entity's records.

    Attributes:
        each: path of the list of records in an answer. may_lack: whether an answer without it has no records.
        rows: path of a list in each record, each row of which is a record of this entity, such as the variants of
            a product; its own values are ``row.NAME``. A record with an empty list has none.
        record: path of what tells one record of the answer from another, for counting; all the binding's ids unless
            said, or with rows its first.
        whole: values (one, or a list; the empty text: none) that say that a record's own lists are complete; one that
            says otherwise is set aside.
        pages, since, walks, scope, count: how it is walked.
        bulk: how everything is exported at once instead, where a pull asks for that; records have the same form.
    """

    each: str = "body"
    may_lack: bool = False
    rows: Path | None = None
    record: Path | None = None
    whole: dict[Path, Texts] = {}
    pages: Pages
    since: Since | None = None
    walks: dict[str, Walk] = {"all": Walk()}
    scope: dict[str, Scope] = {}
    count: Count | None = None
    bulk: Bulk | None = None

    @property
    def walk(self) -> Literal["cursor", "window", "full"]:
        """How it reads: what it can filter, sort and page by decides."""
        if self.since is None:
            return "full"
        return "cursor" if self.since.sorted else "window"


class Binding(Fact):
    """The platform's own ids of a record: ``{binding.id}``, ``{binding.parent}``, ``{binding.NAME}`` of ``also``.

    ``shares``: they are another entity's (stock lives on its product).
    """

    id: Path
    parent: Path | None = None
    also: dict[str, Path] = {}
    shares: str | None = None

    @property
    def paths(self) -> dict[str, str]:
        """Name -> path of every id, the record's own first."""
        return {"id": self.id} | ({"parent": self.parent} if self.parent else {}) | self.also


class Refused(Fact):
    """Why the platform cannot carry an entity one way or the other, for people."""

    pull: str | None = None
    push: str | None = None


class EntityFacts(Fact):
    """One entity on one platform.

    Attributes:
        live: native values under which a record is in use; one that is not claims no key from one that is.
        skip: native values, any of which makes a record none of this entity's, such as an abandoned checkout.
        sum: fields of which the records of one key are parts, such as stock kept per batch: they are added up, and
            unknown when one of them is. Only for pulls of everything.
        times: how its times are written, where that differs from the platform's others.
        refused: why it cannot be pulled, or pushed.
        spec: what the vendor publishes to check requests against; ``none``: nothing that covers this.
        verified: how far these facts were seen on a real account; ``no``: they were not.
        caveats: what somebody who uses it must know.
    """

    pull: PullFacts | None = None
    canonical_map: CanonicalMap = {}
    binding: Binding = Binding(id="item.id")
    live: dict[Path, str] = {}
    skip: dict[Path, str] = {}
    sum: list[str] = []
    times: Times | None = None
    push: PushFacts | None = None
    refused: Refused = Refused()
    spec: str | None = None
    verified: str | None = None
    caveats: list[str] = []


class ConnectorFile(Fact):
    """A whole connector file.

    Attributes:
        base_url: where it is. A connection may set ``base_url`` itself, for a stand-in, a proxy or a test account.
        version: of the API. settings, optional_settings: what a connection says; defaults: what holds unless it does.
        account: optional settings that tell one account from another, as all required ones do.
        auth: how a request proves who we are: one way, one for each scheme, or several, of which the first holds
            whose secrets a connection has. secrets, optional_secrets: what a connection names variables for.
        envelope: another request that all requests go in, where a connection's settings say so.
        times: how it writes times. false_is_empty: a JSON false in a field that is no boolean means null (Odoo).
        credentials: how one gets them, and which rights they need. caveats: what one must know.
    """

    connector: str
    title: str
    docs: str
    version: str | None = None
    base_url: str
    settings: list[str] = []
    optional_settings: list[str] = []
    account: list[str] = []
    defaults: dict[str, str] = {}
    secrets: list[str] = []
    optional_secrets: list[str] = []
    auth: dict[Literal["https", "http"], Auth] | list[Auth] | Auth
    headers: dict[str, str] = {}
    envelope: Envelope | None = None
    limits: Limits = Limits()
    errors: Errors = Errors()
    times: Times = Times()
    false_is_empty: bool = False
    credentials: str | None = None
    caveats: list[str] = []
    entities: dict[str, EntityFacts] = {}

    @property
    def ways(self) -> list[Auth]:
        """Every way to prove who we are."""
        if isinstance(self.auth, Auth):
            return [self.auth]
        return list(self.auth.values()) if isinstance(self.auth, dict) else self.auth
