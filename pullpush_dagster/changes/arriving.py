"""Read the change log from a push's own position into its outbox, under destination keys."""

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import duckdb

from pullpush_dagster.audit.guard import Counts, breaches, jumps_sql, zeroes_sql
from pullpush_dagster.canonical import Entity
from pullpush_dagster.canonical.keeping import ensure_tables
from pullpush_dagster.canonical.types import encoded_sql
from pullpush_dagster.changes.affected import AT_ONCE
from pullpush_dagster.changes.behind import line_up
from pullpush_dagster.config import Pull, Push
from pullpush_dagster.errors import HaltError
from pullpush_dagster.store import named_sql
from pullpush_dagster.store.sql import Run, literal, quoted, runner

_SQL = named_sql(__package__, "arrive.sql")
Names = Mapping[str, str]
# Of columns that say what is to be sent, and what is there.
HARM: Names = {"zeroes": zeroes_sql("amount", "amount_there"), "jumps": jumps_sql("price", "price_there")}
_GONE = (
    "disown", "no_rival", "leave", "inherit", "inherit_behind", "skip_deletes", "withdraw_untried", "forget_behind",
)  # fmt: skip
_STRAYS = (
    "stray_receipts", "close_strays", "close_strays_behind", "move_strays", "move_strays_behind", "leave_strays",
)  # fmt: skip


@dataclass(frozen=True)
class Arrival:
    """What reading one log came to: changes that concern this push, and why its guard holds them (empty: not)."""

    changes: int
    held: tuple[str, ...] = ()


@dataclass(frozen=True)
class Approved:
    """A change set that a person let through: its hash, and the last change of the log that is in it."""

    hash: str
    through: int


def arrive(
    con: duckdb.DuckDBPyConnection,
    push: Push,
    entity: Entity,
    pull: Pull,
    approved: Approved | None = None,
    beside: Sequence[Push] = (),
) -> Arrival:
    """Bring ``push``'s outbox up to the end of ``pull``'s log, in the caller's transaction.

    Newer values join those that still wait to be sent, and a dead letter's key gets a new try with its new
    version; where each change is sent by itself, it goes behind those of its key that are not done. When the guard
    holds the changes, the position stays where it was. A push that has never read the log is not held: the
    destination has accepted nothing yet that could be damaged.

    Args:
        approved: only this change set is read, and the guard does not look.
        beside: other pushes that send the same entity to the same destination.

    Raises:
        HaltError: what is there is not what was approved.
    """
    ensure_tables(con, entity)
    values, names = _values(push, entity, pull), routing(entity, push)
    run = runner(con, _SQL, {**names, **HARM}, values)
    overlay(con)
    ruled, known = _by_new_rules(run, push, values), run("position").fetchone()
    ((newest,),) = run("newest").fetchall()
    quiet = known == (newest,) and not (ruled or approved or run("affected_fields").fetchall())
    if quiet and values["latest"]:  # where each change goes by itself, those behind may have to be lined up
        return Arrival(0)
    values |= {"newest": approved.through if approved else newest, "position": known[0] if known else None}
    run("from_log" if known else "from_baseline")
    again = _again(run, entity, names, values, approved)
    ((values["hash"],),) = run("hash").fetchall()
    if approved and values["hash"] != approved.hash:
        raise HaltError(f"change set {approved.hash} is no longer what it was; see `pullpush held`")
    if again:
        run("send_again")
    count, deletes = _route(run)
    held = _held(run, push, entity) if known and not approved else ()
    if held:
        _hold(run, held)
    else:
        _enter(run, entity, (push, *beside) if known else (), deletes=deletes, again=again)
        if not values["latest"]:
            line_up(con, push, values["now"])
        run("withdraw", approved=approved and approved.hash)
        values["position"] = values["newest"]
    run("forget_position")
    run("set_position", held=f"{'; '.join(held)} (change set {values['hash']})" if held else None)
    run("drop")
    return Arrival(count, held)


def _values(push: Push, entity: Entity, pull: Pull) -> dict[str, Any]:
    rules = f"{push.only} {push.translate}"
    return {
        "push": push.name, "to": push.to, "entity": entity.name, "connection": pull.connection, "name": pull.name,
        "routing": rules, "rules": f"{rules} {push.from_}", "from": push.from_,
        "latest": not push.sends_each(entity.deliver), "amount": f"$.{entity.amount}", "price": f"$.{entity.price}",
        "part": entity.key[0], "scopes": pull.scopes, "at_once": AT_ONCE, "now": dt.datetime.now(dt.UTC),
    }  # fmt: skip


def _by_new_rules(run: Run, push: Push, values: dict[str, Any]) -> bool:
    """Let what is queued by rules that the push had before go by those it has now. Whether these are new.

    What is none of its business any more leaves the outbox, and what is another key is routed anew. What is under way
    does so once it is put back: until then the rules stay new.
    """
    if run("old_rules").fetchone() is None:
        return False
    for log in push.logs:
        run("strays", **log)
        for step in _STRAYS:
            run(step)
    if run("under_way").fetchone():
        values["rules"] = None
    run("new_rules")
    return True


def overlay(con: duckdb.DuckDBPyConnection) -> None:
    """Make the macro ``overlaid(below, above)``: two JSON objects laid over each other, field by field."""
    con.execute(_SQL["overlay"])


def _hold(run: Run, reasons: tuple[str, ...]) -> None:
    if run("is_held").fetchone() is None:
        run("replace")
        run("hold", reasons=list(reasons))


def _route(run: Run) -> tuple[int, bool]:
    """Fill the temporary tables ``addressed`` and ``routed``; how many keys there are, and whether some went."""
    run("addressed")
    deletes = run("deletes").fetchone() is not None
    for step in ("gone", "moved") if deletes else ():
        run(step)
    ((count,),) = run("routed").fetchall()
    if deletes:
        run("outlived")
    return int(count), deletes


def _enter(run: Run, entity: Entity, senders: Sequence[Push], *, deletes: bool, again: Mapping[str, Names]) -> None:
    """Put what was routed into the outbox. Mostly there are no deletes, no refusals, and nothing that comes again.

    Args:
        senders: whose rules tell who stands in the way of others; none: a first reading, at which no guard looks, takes
            nothing over.
    """
    for step in (*(_GONE if deletes else ()), *(("told", "carry", "carried", "tell") if again else ())):
        run(step, senders=[one.name for one in senders])
    ((refused,),) = run("refusals").fetchall()
    if refused and senders and _strangers(run, entity, senders):
        for step in ("disown_strangers", "strange_rivals", "adopt"):
            run(step)
        ((refused,),) = run("refusals").fetchall()
    for step in (*(("rerouted", "rivals", "unmixed") if refused else ()), "renew", "enter"):
        run(step)
    for step in ("refuse", "refusal_receipts") if refused else ():
        run(step)
    for step in ("forget_again", "another", "sent_again") if again else ():
        run(step)
    for field, parts in again.items():
        run("settle_again", parts, field=field)


def _strangers(run: Run, entity: Entity, senders: Sequence[Push]) -> bool:
    """Whether any of those in whose way others were refused is no more, or another key by now; these are in a table."""
    ((some,),) = run("strangers").fetchall()
    for push in senders if some else ():
        names = routing(entity, push)
        for log in push.logs:
            run("no_strangers", names, **log)
    return bool(some) and run("any_strangers").fetchone() is not None


def _again(
    run: Run, entity: Entity, names: Names, values: dict[str, Any], approved: Approved | None
) -> dict[str, Names]:
    """Find keys that are to arrive once more, whatever the log says; by which fields, and what these are in SQL.

    Their ``sources`` join ``values``. What a person let through has those that were held with it.
    """
    fields: dict[str, Names] = {}
    for (field,) in run("affected_fields").fetchall():
        if field in entity.key:
            rows = f"({_SQL['affected_rows'].format_map({**names, 'part': quoted(field)})})"
            fields[field] = {"part": quoted(field), "rows": rows, "state": state_of(names, rows)}
    if fields:
        run("no_again")
    for field, parts in fields.items():
        run("again", parts, field=field)
    sources: list[str] = []
    if approved:
        sources = [one for (one,) in run("approved_sources", hash=approved.hash).fetchall()]
    elif fields:
        sources = [one for (one,) in run("again_sources").fetchall()]
    values |= {"sources": sources, "again": "\n".join(sources)}
    if fields and approved:
        run("approved_again")
    return fields


def _held(run: Run, push: Push, entity: Entity) -> tuple[str, ...]:
    ((accepted, changed, zeroed, price),) = run("guard").fetchall()
    return tuple(breaches(entity.name, push.guard.own(), Counts(accepted, changed=changed, zeroed=zeroed, price=price)))


def routing(entity: Entity, push: Push) -> dict[str, str]:
    """The parts of SQL that say which source keys are ``push``'s business, and what they are at its destination.

    ``state`` has a row per key of the source as last accepted: ``sourceKey``, ``after``, ``cleared``. ``only``,
    ``destination_key`` and ``untranslated`` are about columns of these names; ``lets_in`` about these and ``before``.
    ``claims``: how often a key was
    claimed; ``awaited``: whether it is sent again once its source was asked.
    """
    encoded = (f"{quoted(n)}: CAST({quoted(n)} AS {encoded_sql(entity.fields[n])})" for n in entity.compared)
    names = {
        "baseline": quoted(f"baseline_{entity.name}"),
        "key_fields": ", ".join(f"{quoted(name)}: {quoted(name)}" for name in entity.key),
        "encoded": ", ".join(encoded),
        "destination_key": ", ".join(f"{quoted(name)}: {_prefixed(entity, push, name)}" for name in entity.key),
        "untranslated": _untranslated(push),
        "only": _allowed(push, _native),
        "lets_in": _allowed(push, _last_known),
        "claims": _SQL["claims"],
        "pulled": _SQL["pulled"],
        "awaited": _SQL["awaited"],
    }
    return names | {"state": state_of(names, names["baseline"])}


def state_of(names: Names, rows: str) -> str:
    return _SQL["state"].format_map({**names, "rows": rows})


def _native(name: str) -> str:
    path = literal(f"$.{name}")
    return f"coalesce(json_extract_string(sourceKey, {path}), json_extract_string(after, {path}))"


def _prefixed(entity: Entity, push: Push, name: str) -> str:
    """The key as the destination knows it: shops number their orders alike, so those bear the shop's name."""
    translated = _translated(push, name)
    return f"$connection || ':' || {translated}" if entity.prefixed else translated


def _translated(push: Push, name: str) -> str:
    table = push.translate.get(name)
    if table is None:
        return _native(name)
    arms = " ".join(f"WHEN {literal(source)} THEN {literal(to)}" for source, to in table.items())
    # A value that the table lacks is refused under its own name, which may also be what another is translated to.
    return f"CASE {_native(name)} {arms} ELSE {_native(name)} || ' (no entry)' END"


def _untranslated(push: Push) -> str:
    cases = [
        f"CASE WHEN {_native(name)} NOT IN ({', '.join(literal(s) for s in table)})"
        f" THEN 'translate: {name} has no entry for ' || {_native(name)} END"
        for name, table in push.translate.items()
    ]
    return f"coalesce({', '.join(cases)})" if cases else "CAST(NULL AS VARCHAR)"


def _last_known(name: str) -> str:
    """Of a change that says nothing of it, as it was before."""
    return f"coalesce({_native(name)}, json_extract_string(before, {literal(f'$.{name}')}))"


def _allowed(push: Push, value: Callable[[str], str]) -> str:
    among = (f"{value(name)} IN ({', '.join(map(literal, allowed))})" for name, allowed in push.only.items())
    return " AND ".join(among) or "true"
