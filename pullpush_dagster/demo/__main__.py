"""``python -m pullpush_dagster.demo``: exits 0 only when destination and source agree."""

import os
import shutil
import sys
import time
import warnings
from collections.abc import Mapping
from pathlib import Path

import click
from rich.console import Console

from pullpush_dagster.config import Project
from pullpush_dagster.demo.comparing import differences, items_of_shop
from pullpush_dagster.demo.orders import compare_orders
from pullpush_dagster.demo.showing import SyncTable
from pullpush_dagster.dev.processes import require_free
from pullpush_dagster.dev.standins import platforms_of, ports_of, set_secrets
from pullpush_dagster.sandbox import Sandbox, running
from pullpush_dagster.telling import told


@click.command()
@click.option("--skus", default=2000, show_default=True, help="Products of the ERP.")
@click.option("--seed", default=1, show_default=True, help="Same seed, same data.")
@click.option("--drift", default=60, show_default=True, help="Edits of the ERP between the two rounds.")
@click.option("--orders", default=40, show_default=True, help="Orders of each shop between the two rounds.")
@told
def main(skus: int, seed: int, drift: int, orders: int) -> None:
    """Run every sync against stand-in platforms, let the ERP drift, run them again, and compare."""
    started = time.monotonic()
    console = Console(width=max(120, Console().width))
    os.environ["PULLPUSH_DATA"] = str(Project.find().root / "data" / "demo")
    project = Project.find()
    ports = ports_of(project)
    require_free({f"connection {name}": port for name, port in ports.items()})
    shutil.rmtree(project.state, ignore_errors=True)
    shops = [name for name, platform in platforms_of(project).items() if platform == "woocommerce"]
    sold = f"and {len(shops)} shops, each with a tenth of them"
    console.print(f"[bold]Sandbox[/]: an ERP with {skus:,} products at two locations, {sold}")
    with running(platforms_of(project), skus=skus, seed=seed, ports=ports) as sandbox:
        set_secrets(project, sandbox)
        before = {shop: items_of_shop(project, shop) for shop in shops}
        failed = _rounds(console, project, sandbox, drift, dict.fromkeys(shops, orders))
        traded = compare_orders(project, shops)
        wrong = traded.wrong + [
            text for shop in shops for text in differences(project, before[shop], shop, traded.sold)
        ]
    for line in wrong[:20]:
        console.print(f"  [red]{line}[/]")
    refused = f", {traded.refused} rejected for a customer or product it has twice" if traded.refused else ""
    console.print(f"[bold]Orders[/]: {traded.agreed} are in the ERP as in their shop{refused}")
    verdict = "[red]differ" if wrong else "[green]agree"
    console.print(f"[bold]Compared over the platforms' own APIs[/]: source and destination {verdict}[/]", end="")
    console.print(f"{f' in {len(wrong)} places' if wrong else ''} ({time.monotonic() - started:.0f} s)")
    sys.exit(1 if wrong or failed else 0)


def _rounds(console: Console, project: Project, sandbox: Sandbox, drift: int, orders: Mapping[str, int]) -> bool:
    """Every sync, drift, every sync again, the shops' orders move on, and once more; whether any run failed."""
    table = SyncTable(console, project)
    failed = table.round("first round")
    done = sandbox["erp"].control("drift", n=drift, seed=drift)
    moved, edited = len(done["stock"]), len(done["products"])
    sold = sum(len(sandbox[shop].control("orders", n=n, seed=drift)["orders"]) for shop, n in orders.items() if n)
    console.print(f"[bold]Drift[/]: {moved} stock levels moved, {edited} products edited, {sold} orders placed")
    failed = table.round("after the drift") or failed
    moves = sum(len(sandbox[shop].control("moves", n=n // 3, seed=drift)["orders"]) for shop, n in orders.items())
    console.print(f"[bold]Drift[/]: {moves} orders paid, changed, sent, refunded or cancelled in the shops")
    failed = table.round("after the orders moved on") or failed
    return table.round("once more") or failed


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    sys.path.insert(0, str(Path.cwd()))
    main()
