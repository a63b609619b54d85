"""What a ledger has of a platform's ways, read from a connector's facts: the engine goes other ways for each."""

from dataclasses import dataclass, replace
from typing import Literal

from pullpush_dagster.connectors.limits_model import Limits
from pullpush_dagster.connectors.model import EntityFacts, PullFacts
from pullpush_dagster.connectors.push_model import PushFacts
from pullpush_dagster.connectors.write_model import Write

_DAY = 86_400.0
# Few records a request, so that even a small history is many of them.
_PAGE, _BATCH, _LOOK_UP = 2, 3, 3


@dataclass(frozen=True)
class Asked:
    """How it is pulled.

    Attributes:
        walk: ``cursor`` lists by an order that edits do not change, ``window`` does not; ``full`` cannot filter.
        stamped: whether its records show the stamp that the filter works on.
        operator: whether the filter leaves out a record with exactly that stamp (``after``).
        grain: seconds between two stamps, 1 or a day. overlap: seconds that are asked for again.
        pages: how one walks; size: records on a page.
        counted: where it says how many records there are: an own request, each page, or nowhere.
    """

    walk: Literal["cursor", "window", "full"] = "cursor"
    stamped: bool = True
    operator: Literal["from", "after"] = "from"
    grain: float = 1.0
    overlap: float = 300.0
    pages: Literal["keyset", "page", "offset", "next", "link", "none"] = "keyset"
    size: int = _PAGE
    counted: Literal["request", "pages", ""] = "request"


@dataclass(frozen=True)
class Way:
    """One kind of write.

    Attributes:
        batch: most records in a request; 0: one, which is its body.
        told: how an answered record is told: by its ``place``, its ``id``, its ``key``; ``status``: none is answered.
        failures: whether what went wrong is listed ``apart``, or so that one failure means that none was done.
        keyed: whether the platform knows a request that comes again: by what the whole of it says, or each record.
    """

    batch: int = _BATCH
    told: Literal["place", "id", "key", "status"] = "place"
    failures: Literal["", "apart", "atomic"] = ""
    keyed: Literal["", "request", "record"] = ""

    @property
    def tells(self) -> bool:
        """Whether its answer can say that one record of several was refused."""
        return self.told != "status" or bool(self.failures)


@dataclass(frozen=True)
class Written:
    """How it is pushed.

    Attributes:
        find: keys in one look-up; 0: it has none. create, update, upsert: None: it has no such request.
        create_only: whether what changes later is not sent.
        unique: whether it refuses a second record of a key; if not, there are two then.
        settle: seconds after which a request without an answer has arrived, or never will.
    """

    find: int = _LOOK_UP
    create: Way | None = Way()
    update: Way | None = Way(told="id")
    upsert: Way | None = None
    create_only: bool = False
    unique: bool = True
    settle: float = 90.0

    @property
    def ways(self) -> dict[str, Way]:
        """Name of each request that carries records -> its way."""
        named = {"create": self.create, "update": self.update, "upsert": self.upsert}
        return {name: way for name, way in named.items() if way is not None}

    @property
    def settles(self) -> bool:
        """Whether a create without an answer can be settled without a person."""
        return bool(self.find or self.upsert or (self.create and self.create.keyed))

    @property
    def makes(self) -> bool:
        """Whether a record that is not there can be made."""
        return self.create is not None or self.upsert is not None


@dataclass(frozen=True)
class Traits:
    """All of it. ``concurrency``: requests in flight; ``attempts``: how often a question is asked."""

    asked: Asked = Asked()
    written: Written = Written()
    concurrency: int = 8
    attempts: int = 6


PLAIN = Traits()


def traits_of(facts: EntityFacts, limits: Limits) -> Traits:
    """The traits of one entity; what cannot be pulled, or pushed, is as it is by default."""
    asked = asked_of(facts.pull) if facts.pull else Asked()
    written = written_of(facts.push) if facts.push else Written()
    return Traits(asked, written, min(8, limits.concurrency), limits.attempts)


def asked_of(facts: PullFacts) -> Asked:
    """How records are asked for; pages are smaller than the platform's."""
    walk, since, pages = facts.walk, facts.since, facts.pages
    counted: Literal["request", "pages", ""] = "request" if facts.count else "pages" if pages.total else ""
    size = 10_000 if pages.style == "none" else min(_PAGE, pages.size)
    plain = Asked(walk=walk, pages=pages.style, size=size, counted=counted)
    if since is None:
        return replace(plain, stamped=False)
    stamped = all(one.stamp is not None for one in facts.walks.values())
    grain = _DAY if since.grain >= _DAY else 1.0
    return replace(plain, stamped=stamped, operator=since.operator, grain=grain, overlap=since.overlap)


def written_of(facts: PushFacts) -> Written:
    """How records are sent; of several forms of an update, the one that carries most at once."""
    ways = [_way(facts, form) for form in facts.update]
    return Written(
        find=min(_LOOK_UP, facts.find.batch) if facts.find else 0,
        create=_way(facts, facts.create) if facts.create else None,
        update=max(ways, key=lambda way: way.batch, default=None),
        upsert=_way(facts, facts.upsert) if facts.upsert else None,
        create_only=facts.create_only,
        unique=bool(facts.exists) or facts.upsert is not None,
        settle=facts.settle,
    )


def _way(facts: PushFacts, form: Write) -> Way:
    batch = min(_BATCH, form.batch or facts.batch) if form.at else 0
    bare = form.answers == "status" or form.job is not None
    told: Literal["place", "id", "key", "status"] = "status" if bare else "place"
    if form.told_apart is not None and not bare:
        told = "id" if form.match == "id" else "key"
    apart = form.failures and batch
    failures: Literal["", "apart", "atomic"] = ""
    if apart:
        failures = "atomic" if any(one.atomic for one in form.failures) else "apart"
    keyed: Literal["", "request", "record"] = "record" if "idempotency" in form.names else ""
    return Way(batch, told, failures, "request" if form.keyed else keyed)


def unmirrored(facts: EntityFacts) -> list[str]:
    """What of an entity's facts no ledger has, in the words of a connector file."""
    found = []
    if facts.pull:
        found += [name for name in ("rows", "scope", "bulk") if getattr(facts.pull, name)]
        found += ["several walks"] if len(facts.pull.walks) > 1 else []
    if facts.push:
        names = ("read", "references", "lines", "actions", "agree", "conflict", "missing", "status")
        found += [name for name in names if getattr(facts.push, name)]
        found += ["job"] if any(form.job for form in facts.push.forms) else []
        found += ["several forms of update"] if len(facts.push.update) > 1 else []
    return found + (["shared bindings"] if facts.binding.shares else [])
