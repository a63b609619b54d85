"""Everything a round must know of the destination before it can send: items, their rows, what records name."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from pullpush_dagster.canonical import Entity
from pullpush_dagster.changes import Claimed, Settled
from pullpush_dagster.changes.taken import Fields, key_values
from pullpush_dagster.connectors.look_up_model import Find
from pullpush_dagster.connectors.model import Binding
from pullpush_dagster.connectors.push_model import PushFacts
from pullpush_dagster.errors import ForbiddenError, PullPushError, RejectError, RetryError
from pullpush_dagster.push.making import Making, MissingError, UnsettledError
from pullpush_dagster.push.native import Item
from pullpush_dagster.push.payload import Payload, carried, named_references, payload
from pullpush_dagster.push.references import References, find_references
from pullpush_dagster.push.resolve import Found, ids_in, in_row, look_up, named
from pullpush_dagster.push.rows import bound_rows, unbound
from pullpush_dagster.push.steps import Ended, Step, form_for, next_step
from pullpush_dagster.transport import Client
from pullpush_dagster.transport.client import backoff

_REFUSED_SECONDS = 60.0

Settle = Callable[[Settled], None]


@dataclass
class Resolving:
    """One round of claimed keys on its way to requests; a key that gets none is settled.

    ``settled`` collects those, ``bound_key`` gives the key under which a row's ids are bound. ``by_pull``: what can be
    sent of each pull's records, as ``facts_by_pull``; of others it is ``facts``. ``forbidden`` are not settled: nobody
    was answered, so that it is open whether the credentials or they are to blame.
    """

    client: Client
    entity: Entity
    facts: PushFacts
    binding: Binding
    to: str
    bound_key: Callable[[Claimed], str]
    making: Making
    settled: list[Settled]
    by_pull: Mapping[str, PushFacts] = field(default_factory=dict)
    forbidden: list[tuple[Claimed, ForbiddenError]] = field(default_factory=list)

    async def payloads(self, rows: Sequence[Claimed]) -> list[Payload]:
        """The requests of those ``rows`` that have one now.

        Raises:
            AuthError, ConfigError: the destination cannot be spoken to; every row is settled as retry.
        """
        rows = self._with_something_to_do(rows)
        try:
            found = await self._found(rows)
            items = await self._read(found)
            return await self._filled(items)
        except (PullPushError, asyncio.CancelledError) as error:
            done = {one.claimed.key for one in self.settled}
            reason = str(error) or "not sent: the push was stopped"
            self.settled += [Settled(row, "retry", reason) for row in rows if row.key not in done]
            raise

    def _with_something_to_do(self, rows: Sequence[Claimed]) -> list[Claimed]:
        busy = []
        for row in rows:
            if row.todo or unbound(self.facts.lines, row):
                busy.append(row)
            else:
                self.settled.append(Settled(row, "skipped", "nothing known differs from what it has"))
        return busy

    async def _found(self, rows: Sequence[Claimed]) -> list[tuple[Claimed, Item | None]]:
        """Each row with its item: by its binding, or looked up by its key. Ambiguous ones are settled."""
        homeless = [row for row in rows if not self._at_home(row)]
        asked = await self._asked(homeless, lambda: self._looked_up(homeless))
        found: list[tuple[Claimed, Item | None]] = []
        for row in rows:
            home = self._at_home(row)
            items = row.ids if home else self._ids(asked or {}, row)
            if isinstance(items, RejectError):
                self.settled.append(Settled(row, "rejected", str(items)))
            elif len(items) > 1:
                self.settled.append(Settled(row, "rejected", f"{len(items)} items of {self.to} have this key"))
            elif row.ids and not items and asked is not None:
                # It was there: one that was made just now may not be found yet, and must not be made again.
                self._unbind(row, str(row.ids[0]["id"]), self.facts.settle)
            elif home or asked is not None:
                found.append((row, Item(items[0]) if items else None))
        return found

    def _at_home(self, row: Claimed) -> bool:
        """Whether the ids that are bound are all that a request needs; some platforms do not tell all at once.

        Of several, all but one may be gone by now: a pull that is not full is not told of those.
        """
        if len(row.ids) != 1 or self.facts.find is None:
            return bool(row.ids) and self.facts.find is None
        form = form_for(self.facts, row.ids[0])
        told = {name.removeprefix("binding.") for one in self.facts.update for name in one.when}
        return (told if form is None else form.bound - {"parent"}) <= row.ids[0].keys()

    async def _looked_up(self, rows: Sequence[Claimed]) -> Found:
        find = self.facts.find
        return await look_up(self.client, find, (named(row.key, find) for row in rows)) if find else {}

    def _paths(self, find: Find) -> dict[str, str]:
        """Name -> path of the ids of what ``find`` gives."""
        return {name: in_row(find, path) for name, path in (find.ids or self.binding.paths).items()}

    def _ids(self, asked: Found, row: Claimed) -> list[Fields] | RejectError:
        find = self.facts.find
        return ids_in(asked.get(named(row.key, find), []), self._paths(find)) if find else []

    async def _read(self, found: list[tuple[Claimed, Item | None]]) -> list[tuple[Claimed, Item | None]]:
        """The same with what each item is like now, where the connector compares with that."""
        if self.facts.read is None:
            return found
        there = [(row, item) for row, item in found if item is not None]
        rows, ids = [row for row, _ in there], [str(item.ids["id"]) for _, item in there]
        read, lines = self.facts.read, self.facts.lines
        parts: Any = {}
        natives = await self._asked(rows, lambda: look_up(self.client, read, ids, name="ids"))
        if natives is not None and lines is not None:
            parts = await self._asked(rows, lambda: look_up(self.client, lines, ids, name="ids", whole=True))
        if natives is None or parts is None:
            return [(row, None) for row, item in found if item is None]
        return [(row, item) for row, item in ((row, self._now(row, item, natives, parts)) for row, item in found)
                if item is not _SETTLED]  # fmt: skip

    def _now(self, row: Claimed, item: Item | None, natives: dict[str, Any], parts: dict[str, Any]) -> Item | None:
        if item is None:
            return None
        id_ = str(item.ids["id"])
        native, rows = natives.get(id_, []), parts.get(id_, [])
        if not native:
            # The binding leads nowhere: it is dropped, and the item looked up by its key. One that was just looked up
            # would be found so again at once, so that waits.
            self._unbind(row, id_, 0.0 if row.ids else _REFUSED_SECONDS)
            return _SETTLED
        refusal = next((one for one in (native, rows) if isinstance(one, RejectError)), None)
        if refusal is None:
            return replace(item, native=native[0], rows=rows)
        self.settled.append(Settled(row, "rejected", str(refusal)))
        return _SETTLED

    def _unbind(self, row: Claimed, id_: str, due_in: float) -> None:
        said, bound_key = f"{self.to} has no item {id_} any more", self.bound_key(row)
        self.settled.append(Settled(row, "retry", said, due_in=due_in, unbind=True, bound_key=bound_key))

    async def _filled(self, items: list[tuple[Claimed, Item | None]]) -> list[Payload]:
        steps = [(row, item, next_step(self.facts, self.entity, row, item, self.to)) for row, item in items]
        wanted = self._wanted(steps)
        rows = [row for row, _, _ in steps]
        facts, making = self.facts.references, self.making
        references = await self._asked(rows, lambda: find_references(self.client, facts, wanted, making))
        if references is None:
            return []
        made = []
        for row, item, step in steps:
            try:
                one = self._one(row, item, step, references)
            except ForbiddenError as error:
                self.forbidden.append((row, error))
                continue
            if isinstance(one, Payload):
                made.append(one)
            else:
                self.settled.append(one)
        return made

    def _wanted(self, steps: list[tuple[Claimed, Item | None, Step | Ended]]) -> dict[str, list[Fields]]:
        """Reference -> the records whose next step needs it."""
        wanted: dict[str, list[Fields]] = {}
        if not self.facts.references:
            return wanted
        for row, item, step in steps:
            names: set[str] = set()
            if isinstance(step, Step):
                fields = carried(self.facts, self.entity, step.form)
                whole = item is None or step.form is self.facts.upsert
                names = named_references(self.facts, step.form, fields if whole else fields & row.todo)
            if item is not None and self.facts.lines:
                names |= set(self.facts.lines.same)
            for name in names:
                wanted.setdefault(name, []).append({**key_values(row.key), **row.known})
        return wanted

    def _one(self, row: Claimed, item: Item | None, step: Step | Ended, references: References) -> Payload | Settled:
        learned: dict[str, Any] = {}
        try:
            if item is not None:
                item = self._bound(row, item, references)
                learned = {"external_id": item.ids, "bound_key": self.bound_key(row)} if [item.ids] != row.ids else {}
            if isinstance(step, Ended):
                return Settled(row, step.outcome, step.reason, sent=step.has, **learned)
            facts = self.by_pull.get(row.source.partition(" ")[0], self.facts)
            made = payload(self.entity, facts, row, step.form, item, references, step.fields)
        except MissingError as error:
            return Settled(row, "waiting", str(error), **learned)
        except RetryError as error:
            due_in = error.due_in if isinstance(error, UnsettledError) else self.facts.settle
            return Settled(row, "retry", str(error), due_in=due_in, **learned)
        except ForbiddenError:
            raise
        except PullPushError as error:
            return Settled(row, "rejected", str(error), **learned)
        if made.empty and not step.acts:
            reason = f"{self.to} has it so already"
            return Settled(row, "skipped", reason, sent=made.fields, again=step.more, **learned)
        made.more, made.acts, made.learned = step.more, step.acts, learned.get("external_id")
        return made

    def _bound(self, row: Claimed, item: Item, references: References) -> Item:
        if self.facts.lines is None:
            return item
        bound = bound_rows(self.facts.lines, row.known, item.ids, item.rows, references)
        return replace(item, ids={**item.ids, "lines": bound}, bound=bound)

    async def _asked(self, rows: Sequence[Claimed], ask: Callable[[], Any]) -> Any:
        """What ``ask`` gives; None when it cannot now: ``rows`` are put back or held, as it says nothing of them."""
        if not rows:
            return {}
        try:
            return await ask()
        except ForbiddenError as error:
            self.forbidden += [(row, error) for row in rows]
            return None
        except (RetryError, RejectError) as error:
            due_in = backoff(1, error) if isinstance(error, RetryError) else _REFUSED_SECONDS
            self.settled += [Settled(row, "retry", str(error), due_in=due_in) for row in rows]
            return None


_SETTLED = Item({})
