"""``pullpush connectors``."""

import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click
from rich.console import Console

from pullpush_dagster.config import Project
from pullpush_dagster.errors import ConfigError
from pullpush_dagster.listing.facts import Listing, every
from pullpush_dagster.listing.tables import show_all, show_one
from pullpush_dagster.telling import print_json, told


class _ByName(click.Group):
    """A group whose words are those of ``show`` unless they begin with another command: a name needs no verb."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        named = bool(args) and args[0] in {*self.commands, *ctx.help_option_names}
        return super().parse_args(ctx, args if named else ["show", *args])


@click.group(cls=_ByName, subcommand_metavar="[NAME] [--json]")
def connectors() -> None:
    """Show every connector there is, or all that is known of the one called NAME.

    Built-in ones, the project's own, and platforms that a connection describes under ``api``.
    """


@connectors.command(hidden=True)
@click.argument("name", required=False)
@click.option("--json", "as_json", is_flag=True, help="Print JSON, for other programs.")
@told
def show(name: str | None, as_json: bool) -> None:
    """Show every connector there is, or all that is known of the one called NAME."""
    listings, console = every(Project.find()), Console()
    chosen = [one for one in listings if name in (None, one.name)]
    if not chosen:
        raise ConfigError(f"there is no connector {name!r}; there are {', '.join(one.name for one in listings)}")
    if as_json:
        print_json([_short(one) for one in chosen] if name is None else _whole(chosen[0]))
    elif name is None:
        show_all(chosen, console)
    else:
        show_one(chosen[0], console)


@connectors.command()
@click.argument("name")
@click.option("--samples", type=click.Path(path_type=Path), help="Default: resources/connectors/samples/NAME.yaml.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, for other programs.")
@told
def test(name: str, samples: Path | None, as_json: bool) -> None:
    """Pull and push by the connector NAME against a server that answers as its samples say; exit 1 if anything differs.

    NAME: a connector, or a connection that describes its platform itself. Nothing is stored, and no platform is asked.
    """
    # Its server takes a third of a second to load, and no other command needs it.
    from pullpush_dagster.contract.command import tested_by_samples

    sys.exit(0 if tested_by_samples(name, samples, as_json=as_json) else 1)


def _short(one: Listing) -> dict[str, Any]:
    entities = {
        cell.entity: {name: getattr(cell, name) for name in ("pull", "push", "spec", "verified", "refused")}
        for cell in one.cells
    }
    head = {"connector": one.name, "title": one.title, "version": one.version, "home": one.home}
    return {**head, "limits": one.limits, "entities": entities, **_counts(one)}


def _whole(one: Listing) -> dict[str, Any]:
    whole = asdict(one)
    cells = {cell.pop("entity"): cell for cell in whole.pop("cells")}
    return {"connector": whole.pop("name"), **whole, "entities": cells, **_counts(one)}


def _counts(one: Listing) -> dict[str, list[str]]:
    return {"unverified": one.unverified, "uncovered": one.uncovered}
