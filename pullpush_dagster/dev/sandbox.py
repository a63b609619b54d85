"""``pullpush sandbox``: size, seed, drift speed, orders and faults of the running sandbox."""

import json
import signal
import sys
import time
from contextlib import suppress
from dataclasses import fields
from typing import Any

import click
from pydantic import TypeAdapter, ValidationError
from rich.console import Console
from rich.table import Table

from pullpush_dagster.config import Project
from pullpush_dagster.config.duration import Seconds
from pullpush_dagster.dev.processes import require_free
from pullpush_dagster.dev.standins import about_of, platforms_of, ports_of, standins_of
from pullpush_dagster.errors import ConfigError, HaltError
from pullpush_dagster.sandbox import Standin, running
from pullpush_dagster.sandbox.faults import Rules
from pullpush_dagster.sandbox.server import LEAST_SKUS
from pullpush_dagster.telling import told

_BURST = {"odoo": "drift"}


@click.group()
def sandbox() -> None:
    """See and steer the stand-in platforms that `make dev` starts."""


@sandbox.command()
@click.option("--json", "as_json", is_flag=True, help="Print JSON, for other programs.")
@told
def show(as_json: bool) -> None:
    """Show size, seed, drift, faults and counts of every stand-in."""
    found = {name: about_of(name, standin) | {"url": standin.url} for name, standin in _running().items()}
    if as_json:
        click.echo(json.dumps(found, indent=2))
        return
    table = Table("connection", "platform", "address", "skus", "seed", "drift", "faults", "holds")
    for name, about in found.items():
        cells = (about["platform"], about["url"], about["skus"], about["seed"])
        table.add_row(
            name, *map(str, cells), _ticking(about["ticking"]), _pairs(about["faults"]), _pairs(about["counts"])
        )
    Console(width=max(120, Console().width)).print(table)


@sandbox.command()
@click.option("--every", help="How often each stand-in does business by itself, such as 5s; 0 stops it.")
@click.option("--edits", default=3, show_default=True, type=click.IntRange(1), help="How much it does each time.")
@click.option("--now", "burst", type=click.IntRange(1), help="So many edits in the ERP, once, at this moment.")
@click.option("--seed", type=int, help="Same seed, same edits; unset: other ones each time.")
@told
def drift(every: str | None, edits: int, burst: int | None, seed: int | None) -> None:
    """Let products, stock and orders change by themselves, or once at this moment."""
    if every is None and burst is None:
        raise click.UsageError("say --every DURATION, or --now N")
    seconds = _seconds(every) if every is not None else None
    chosen = int(time.time()) if seed is None else seed
    for name, standin in _running().items():
        if seconds is not None:
            click.echo(f"{name}: {_ticking(_steer(name, standin, 'ticking', every=seconds, n=edits))}")
        if burst is not None and standin.platform in _BURST:
            done = _steer(name, standin, _BURST[standin.platform], n=burst, seed=chosen)
            counts = {what: len(rows) for what, rows in done.items() if isinstance(rows, list) and what != "how"}
            click.echo(f"{name}: edited {_pairs(counts)}")


@sandbox.command()
@click.argument("count", type=click.IntRange(1))
@click.option("--days", default=0, show_default=True, type=click.IntRange(0), help="Spread over so many past days.")
@click.option("--shop", help="Only in this connection; default: in every shop.")
@click.option("--seed", type=int, help="Same seed, same orders; unset: other ones each time.")
@told
def orders(count: int, days: int, shop: str | None, seed: int | None) -> None:
    """Place COUNT orders in the shops."""
    found = {name: one for name, one in _running().items() if one.platform != "odoo" and shop in (None, name)}
    if not found:
        raise ConfigError(f"there is no shop {shop!r}" if shop else "no connection is a shop")
    chosen = int(time.time()) if seed is None else seed
    for name, standin in found.items():
        done = _steer(name, standin, "orders", n=count, days=days, seed=chosen)
        click.echo(f"{name}: {len(done['orders'])} orders placed")


@sandbox.command()
@click.argument("platform")
@click.argument("rules", nargs=-1, required=True, metavar="KEY=VALUE... | off")
@told
def faults(platform: str, rules: tuple[str, ...]) -> None:
    """Let PLATFORM (a connection) fail: error_before=0.3, latency_ms=200, throttle_requests=50, ... or off."""
    found, without = standins_of(Project.find())
    if platform in without:
        raise without[platform]
    if platform not in found:
        raise ConfigError(f"there is no connection {platform!r}; there are {', '.join(found)}")
    given = {} if rules == ("off",) else _rules(rules)
    _steer(platform, found[platform], "faults", **given)
    click.echo(f"{platform}: {_pairs(given)}")


@sandbox.command()
@click.option("--skus", type=click.IntRange(LEAST_SKUS), help="Products of the ERP; unset: as many as before.")
@click.option("--seed", type=int, help="Same seed, same rows; unset: the one before.")
@told
def reset(skus: int | None, seed: int | None) -> None:
    """Begin every stand-in again, with other rows; what was known of the old ones is no longer true."""
    world = {name: value for name, value in (("skus", skus), ("seed", seed)) if value is not None}
    for name, standin in _running().items():
        about = _steer(name, standin, "reset", **world)
        click.echo(f"{name}: skus {about['skus']}, seed {about['seed']}")


@sandbox.command()
@click.option("--skus", default=2000, show_default=True, type=click.IntRange(LEAST_SKUS), help="Products of the ERP.")
@click.option("--seed", default=1, show_default=True, help="Same seed, same rows.")
@told
def run(skus: int, seed: int) -> None:
    """Run just the stand-ins, in the foreground, until Ctrl-C; prints what to export to use them."""
    project = Project.find()
    ports = ports_of(project)
    require_free({f"connection {name}": port for name, port in ports.items()})
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    with suppress(KeyboardInterrupt), running(platforms_of(project), skus=skus, seed=seed, ports=ports) as up:
        for name, standin in up.items():
            click.echo(f"# {name}: {standin.platform} at {standin.url}")
            for secret, variable in project.connection(name).secrets.items():
                click.echo(f"export {variable}={standin.secrets.get(secret) or standin.secrets['key']}")
        sys.stdout.flush()
        signal.pause()


def _running() -> dict[str, Standin]:
    """Those that run; the others are told."""
    found, without = standins_of(Project.find())
    for error in without.values():
        click.echo(f"left out: {error}", err=True)
    return found


def _steer(name: str, standin: Standin, command: str, **order: Any) -> dict[str, Any]:
    try:
        return standin.control(command, **order)
    except ValueError as refusal:
        raise HaltError(f"the stand-in refused: {_reason(str(refusal))}", connection=name) from None


def _reason(text: str) -> str:
    try:
        return str(json.loads(text)["error"])
    except (ValueError, KeyError, TypeError):
        return text


def _rules(texts: tuple[str, ...]) -> dict[str, Any]:
    given, known = dict(map(_rule, texts)), [one.name for one in fields(Rules)]
    for name in given:
        if name not in known:
            raise ConfigError(f"there is no fault {name!r}; there are {', '.join(known)}")
    try:
        TypeAdapter(Rules).validate_python(given)
    except ValidationError as error:
        said = [": ".join([*map(str, one["loc"]), one["msg"].removeprefix("Value error, ")]) for one in error.errors()]
        raise ConfigError("; ".join(said)) from None
    return given


def _rule(text: str) -> tuple[str, Any]:
    name, equals, value = text.partition("=")
    if not equals:
        raise ConfigError(f"{text!r} is not KEY=VALUE, such as error_before=0.3, nor off")
    try:
        return name, json.loads(value)
    except ValueError:
        return name, value


def _seconds(text: str) -> int:
    if text in ("0", "0s", "off"):
        return 0
    try:
        return TypeAdapter(Seconds).validate_python(text)
    except ValidationError:
        raise ConfigError(f"{text!r} is not a duration such as 5s or 1m, nor 0") from None


def _ticking(about: dict[str, Any]) -> str:
    if not about["every"]:
        return "stopped"
    error = f", but {about['error']}" if about.get("error") else ""
    return f"{about['n']} edits every {about['every']:g} s{error}"


def _pairs(values: dict[str, Any]) -> str:
    return ", ".join(f"{name} {value}" for name, value in values.items()) or "none"
