"""``pullpush``: check the files, try a pull, see what would be sent, what is, and why."""

import asyncio
import sys
from typing import Any

import click
from rich.console import Console

from pullpush_dagster.config import Project
from pullpush_dagster.dead import dead_letters, grouped, replay
from pullpush_dagster.dev.sandbox import sandbox
from pullpush_dagster.explain import explain as explained
from pullpush_dagster.held import approve, held
from pullpush_dagster.listing.command import connectors
from pullpush_dagster.moved import moved
from pullpush_dagster.pull.trying import try_pull
from pullpush_dagster.push import Pusher
from pullpush_dagster.push import plan as planned
from pullpush_dagster.readback import Drift, ReadBack, newest, read_back, require_readable, resend
from pullpush_dagster.status import quarantined, sync_status
from pullpush_dagster.store import Store
from pullpush_dagster.telling import briefly, named, parsed, print_json, print_story, print_table, sent, shown, told

_JSON = click.option("--json", "as_json", is_flag=True, help="Print JSON, for other programs.")


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def main() -> None:
    """Keeps shops, ERPs, warehouses, marketing and phone systems in step."""


for command in (connectors, moved, sandbox):
    main.add_command(command)


@main.command()
@told
def check() -> None:
    """Validate every file in assets/ and resources/; exit 1 if anything is wrong."""
    project = Project.find()
    problems = project.problems()
    if problems:
        click.echo("\n".join(map(str, problems)))
        sys.exit(1)
    counts = f"{len(project.connections)} connections, {len(project.pulls)} pulls, {len(project.pushes)} syncs"
    click.echo(f"all is well: {counts}")


@main.command("try")
@click.argument("connection")
@click.argument("entity")
@click.option("--rows", default=5, show_default=True, type=click.IntRange(1), help="Rows to show.")
@click.option("--scope", default="", help="The scope to ask for, such as a location; default: the first one declared.")
@_JSON
@told
def try_(connection: str, entity: str, rows: int, scope: str, as_json: bool) -> None:
    """Show canonical rows of a live pull; nothing is stored."""
    with Console(stderr=True).status("asking") as status:
        frame = asyncio.run(try_pull(Project.find(), connection, entity, scope, status.update))
    first = [parsed(row, "_externalId") for row in frame.rows.slice(0, rows).to_pylist()]
    bad = [parsed(row, "_key", "_externalId") for row in frame.quarantined.to_pylist()]
    if as_json:
        print_json({"rows": first, "read": frame.rows.num_rows, "quarantined": bad})
        return
    print_table(_told_fields(first))
    click.echo(f"{frame.rows.num_rows} rows read, {len(bad)} quarantined")
    for one in bad[:rows]:
        click.echo(f"  {_who(one['_key'], one['_externalId'])}: {'; '.join(one['reasons'])}")


@main.command()
@click.argument("sync")
@click.option("--keys", default=1000, show_default=True, type=click.IntRange(1), help="Look at so many of those due.")
@_JSON
@told
def plan(sync: str, keys: int, as_json: bool) -> None:
    """Show what SYNC would send now, per record and field; nothing is sent."""
    project = Project.find()
    found = planned(Pusher(project, project.push(sync), Store.of(project.state)), limit=keys)
    if as_json:
        print_json({"sync": sync, **vars(found), "records": [parsed(vars(row), "key") for row in found.records]})
        return
    for sentence in found.sentences:
        click.echo(sentence)
    rows = [
        {"key": named(row.key) if not place else "", "action": row.action if not place else "", "field": name,
         "accepted": sent(before), "would send": sent(after)}
        for row in found.records
        for place, (name, (before, after)) in enumerate(row.fields.items())
    ]  # fmt: skip
    print_table(rows) if rows else click.echo(f"{sync} would send nothing")
    if found.due > found.looked_at:
        click.echo(f"{found.looked_at} of {found.due} keys that are due; --keys {found.due} looks at all of them")


@main.command()
@_JSON
@told
def status(as_json: bool) -> None:
    """Show every sync: last pull, lag, pending, waiting, quarantined, held and dead; and which pull fails, and why."""
    project = Project.find()
    rows = [sync_status(project, push) for push in project.pushes.values()]
    if as_json:
        print_json(rows)
        return
    trouble = dict.fromkeys(sentence for row in rows for sentence in row.pop("trouble"))
    print_table([row | {name: briefly(row[name]) for name in ("last pull", "lag")} for row in rows])
    for sentence in trouble:
        click.echo(sentence)


@main.command("quarantined")
@click.argument("sync")
@_JSON
@told
def quarantined_(sync: str, as_json: bool) -> None:
    """Show every record of SYNC's sources that cannot be used, and why: somebody has to mend it there."""
    project = Project.find()
    rows = quarantined(project, project.push(sync))
    if as_json:
        print_json(rows)
        return
    for row in rows:
        click.echo(_who(row["key"], row["id"], f"{row['pull']} {row['scope']}".rstrip() + ", "))
        click.echo(f"  {'; '.join(row['reasons'])}")
    click.echo(f"{len(rows)} records; the next pull takes up what was mended" if rows else "nothing is quarantined")


@main.command("held")
@_JSON
@told
def held_(as_json: bool) -> None:
    """Show every change set that a guard holds: its hash, the limits it breaks, and some of its changes."""
    found = held(Project.find())
    if as_json:
        print_json([vars(one) for one in found])
        return
    for one in found:
        click.echo(f"{one.hash}  {one.where}: {one.changes} changes held since {shown(one.since)}")
        for reason in one.reasons:
            click.echo(f"  {reason}")
        for example in one.examples:
            told = {name: value for name, value in example.items() if value and name != "key"}
            click.echo(f"    {named(example['key'])}: {shown(told)}")
    click.echo("`pullpush approve HASH` lets one through" if found else "nothing is held")


@main.command("approve")
@click.argument("hash_", metavar="HASH")
@_JSON
@told
def approve_(hash_: str, as_json: bool) -> None:
    """Let the change set HASH through; keys that have moved on since are left out, and named."""
    done = approve(Project.find(), hash_)
    if as_json:
        print_json({"hash": hash_, "done": done})
    else:
        click.echo("\n".join(done))


@main.command("dead-letters")
@click.option("--group", "by_group", is_flag=True, help="One row for all letters of a sync with one kind of reason.")
@_JSON
@told
def dead_letters_(by_group: bool, as_json: bool) -> None:
    """Show every key that was given up: why, what was sent, and what the destination answered."""
    letters = dead_letters(Project.find())
    groups = grouped(letters)
    if as_json:
        print_json(groups if by_group else [one.told() for one in letters])
        return
    if by_group:
        for row in groups:
            click.echo(f"{row['group']}  {row['sync']}: {row['cause']}, {row['count']} keys, such as {row['such as']}")
            click.echo(f"  {row['said']}")
    else:
        for one in letters:
            last = f", at {shown(one.at)}" if one.at else ""
            click.echo(f"{one.group}  {named(one.key)}  {one.sync}: {one.cause}, {one.attempts} attempts{last}")
            click.echo(f"  {one.reason}")
    click.echo("`pullpush replay KEY|GROUP|ALL` gives them another chance" if letters else "no key was given up")


@main.command("replay")
@click.argument("what", metavar="KEY|GROUP|ALL")
@_JSON
@told
def replay_(what: str, as_json: bool) -> None:
    """Give dead letters another chance; one that newer accepted values cover is dropped, not sent."""
    done = replay(Project.find(), what)
    if as_json:
        print_json(vars(done))
        return
    click.echo(f"{done.due} are due again, {done.routed} are routed anew at the next run of their sync, ", nl=False)
    click.echo(f"{done.dropped} dropped: what was accepted since covers them")
    if done.closed:
        click.echo(f"{done.closed} closed: their sync leaves them out by now, or their source has them no more")
    if done.left_out:
        click.echo(f"{done.left_out} were left out: their sync is no more, or has another name by now")


@main.command("drift")
@click.argument("sync")
@click.option("--now", is_flag=True, help="Ask the destination first; else the newest read-back is shown.")
@click.option("--resend", "again", is_flag=True, help="Make what drifted due, with the newest values of the source.")
@_JSON
@told
def drift_(sync: str, now: bool, again: bool, as_json: bool) -> None:
    """Show what SYNC's destination has that is not what it last accepted, field by field."""
    project = Project.find()
    push, store = project.push(sync), Store.of(project.state)
    require_readable(project, push)
    if now:
        with Console(stderr=True).status("asking") as status:
            asyncio.run(read_back(project, push, store, status.update))
    with store.session() as con:
        found = newest(con, push)
    done = resend(project, push, store) if again else None
    if as_json:
        print_json({"sync": sync, **_drift_json(found), "resent": done and vars(done)})
        return
    _print_drift(sync, found)
    if done:
        click.echo(f"{done.due} keys are due again, {done.left_out} were left out: they have moved on since")


@main.command()
@click.argument("sync")
@click.argument("key")
@_JSON
@told
def explain(sync: str, key: str, as_json: bool) -> None:
    """Tell all that is known of KEY (such as a SKU) in SYNC, from what was pulled to what came back."""
    project = Project.find()
    story = explained(project, project.push(sync), key)
    if as_json:
        print_json(story)
        return
    print_story(story)


@main.command()
@click.argument("what", required=False, metavar="[CONNECTOR|SYNC]")
@click.option("--seeds", default=50, show_default=True, type=click.IntRange(1), help="How many histories.")
@click.option("--first", default=0, show_default=True, help="The first seed; --seeds 1 --first N tells that one.")
@_JSON
@told
def simulate(what: str | None, seeds: int, first: int, as_json: bool) -> None:
    """Run histories of faults and deaths through the real engine, and check its promises after each.

    SYNC: its entity, ``deliver``, ``on_dead`` and ``lanes``, on platforms made up. CONNECTOR: a platform with its
    ways, for each entity it can be sent in turn; what is left out is told. Without either, several kinds of both.
    One seed is one history. Exit 1 when a promise was broken; the shortest story is told.
    """
    from pullpush_dagster.simulation.command import simulated  # it takes a tenth of a second to load

    sys.exit(0 if simulated(what, range(first, first + seeds), as_json) else 1)


def _drift_json(found: tuple[ReadBack, list[Drift]] | None) -> dict[str, Any]:
    if found is None:
        return {"readAt": None, "drift": []}
    one, rows = found
    told = [{"key": row.values, "field": row.field, "accepted": row.accepted, "there": row.there} for row in rows]
    return {"readAt": one.started_at, **one.numbers(), "doubt": one.doubt, "drift": told}


def _print_drift(sync: str, found: tuple[ReadBack, list[Drift]] | None) -> None:
    if found is None:
        click.echo(f"{sync} was never read back; --now does it")
        return
    one, rows = found
    if rows:
        print_table([_drifted(row) for row in rows])
    counts = ", ".join(f"{count} {name}" for name, count in one.numbers().items())
    click.echo(f"read back at {shown(one.started_at)}: {counts}")
    if one.doubt:
        click.echo(f"what is gone there is not told in full: {one.doubt}")


def _drifted(row: Drift) -> dict[str, str]:
    values = (sent(row.accepted), sent(row.there)) if row.field else ("", "gone there")
    return {"key": named(row.values), "field": row.field or "", "accepted": values[0], "there": values[1]}


def _who(key: dict[str, Any] | None, id_: dict[str, Any] | None, where: str = "") -> str:
    return f"{named(key or {}) or 'no key'}  {where}{shown(id_ or {'id': 'unknown'})}"


def _told_fields(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """``rows`` without the columns of which none says anything, and with "cleared" where a field was emptied."""
    told = [{**row, **dict.fromkeys(row["_cleared"], "cleared")} for row in rows]
    names = [name for name in (told[0] if told else {}) if not name.startswith("_")]
    some = [name for name in names if any(row[name] is not None for row in told)]
    return [{name: row[name] for name in some} | {"id": named(row["_externalId"] or {})} for row in told]


if __name__ == "__main__":
    main()
