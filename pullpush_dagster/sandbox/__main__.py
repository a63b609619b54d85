"""``python -m pullpush_dagster.sandbox odoo|woocommerce``: one stand-in platform on a port of its own."""

import os
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import click

from pullpush_dagster.sandbox.odoo import build as odoo
from pullpush_dagster.sandbox.process import SECRETS, made_up
from pullpush_dagster.sandbox.server import LEAST_SKUS, Binding, Platform, Served, Settings, serve
from pullpush_dagster.sandbox.woocommerce import build as woocommerce

PLATFORMS: dict[str, Callable[[Settings], Platform]] = {"odoo": odoo, "woocommerce": woocommerce}


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.argument("platform", type=click.Choice(sorted(PLATFORMS)))
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", default=0, show_default=True, help="Port to listen on; 0 takes a free one.")
@click.option("--skus", default=2000, show_default=True, type=click.IntRange(LEAST_SKUS), help="Products of the ERP.")
@click.option("--seed", default=1, show_default=True, help="Same seed, same rows.")
@click.option("--name", default="", help="Tells several of one platform apart [default: the platform].")
@click.option("--now", default=None, help="ISO instant at which the seeded past ends [default: start time].")
@click.option("--certfile", type=click.Path(path_type=Path, exists=True), help="Serve TLS with this certificate.")
@click.option("--keyfile", type=click.Path(path_type=Path, exists=True), help="Key of the certificate.")
@click.option("--parent", type=int, help="End when this process, the starter, is gone.")
def main(
    platform: str,
    host: str,
    port: int,
    skus: int,
    seed: int,
    name: str,
    now: str | None,
    certfile: Path | None,
    keyfile: Path | None,
    parent: int | None,
) -> None:
    """Serve a stand-in PLATFORM until interrupted; the first line on stdout is {"port": N}.

    The secrets it accepts come from the environment: SANDBOX_KEY (Odoo's API key, WooCommerce's consumer key) and
    SANDBOX_SECRET (WooCommerce's consumer secret). Unset, they are made up from name, platform and seed.
    """
    made = made_up(name or platform, platform, seed)
    secrets = {kind: os.environ.get(variable, made.get(kind, "")) for kind, variable in SECRETS.items()}
    settings = Settings(skus, seed, _instant(now), secrets, name)
    serve(Served(PLATFORMS[platform], settings), Binding(host, port, certfile, keyfile, parent))


def _instant(text: str | None) -> datetime:
    moment = datetime.fromisoformat(text) if text else datetime.now(UTC)
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC).replace(microsecond=0)


if __name__ == "__main__":
    main()
