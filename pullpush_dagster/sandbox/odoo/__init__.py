"""A stand-in for Odoo 19's JSON-2 API: products, variants, warehouses, quants, moves, partners and sales orders."""

from pullpush_dagster.sandbox import seed
from pullpush_dagster.sandbox.clock import Clock
from pullpush_dagster.sandbox.odoo.app import app
from pullpush_dagster.sandbox.odoo.commands import commands
from pullpush_dagster.sandbox.odoo.drift import drift
from pullpush_dagster.sandbox.odoo.world import filled, state
from pullpush_dagster.sandbox.server import Platform, Settings


def build(settings: Settings) -> Platform:
    """The ERP, seeded; it accepts the secret ``key``."""
    clock = Clock()
    database = filled(seed.items(settings.skus, settings.seed, settings.now), settings.now, clock)
    return Platform(
        name="odoo",
        settings=settings,
        app=app(database, settings.secrets["key"]),
        clock=clock,
        commands=commands(database),
        state=lambda: state(database),
        pattern=lambda path: path,
        counts=lambda: {"products": len(database.products.rows), "orders": len(database.sales.rows)},
        tick=lambda n, number: drift(database, n, number),
    )
