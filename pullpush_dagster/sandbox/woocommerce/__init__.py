"""A stand-in for the WooCommerce REST API v3: products, their variations, and orders."""

import re

from pullpush_dagster.sandbox import seed
from pullpush_dagster.sandbox.clock import Clock
from pullpush_dagster.sandbox.server import Platform, Settings
from pullpush_dagster.sandbox.woocommerce.app import app
from pullpush_dagster.sandbox.woocommerce.auth import Auth
from pullpush_dagster.sandbox.woocommerce.commands import commands
from pullpush_dagster.sandbox.woocommerce.trade import tick
from pullpush_dagster.sandbox.woocommerce.world import filled, state

PLATFORM = "woocommerce"
FIRST = "shop"
"""The name under which a lone shop is seeded, whether it is called so or after its platform."""


def build(settings: Settings) -> Platform:
    """The shop, seeded by its name; it accepts the consumer ``key`` and ``secret``."""
    clock, world = Clock(), (settings.skus, settings.seed, settings.now)
    name = settings.name if settings.name not in ("", PLATFORM) else FIRST
    shared = seed.items(*world)
    if name != FIRST:
        shared = seed.shelved(shared, settings.seed, name)
    shop = filled(shared, seed.shop_only(*world, name), settings.now, clock, name)
    return Platform(
        name=PLATFORM,
        settings=settings,
        app=app(shop, Auth(settings.secrets["key"], settings.secrets["secret"])),
        clock=clock,
        commands=commands(shop),
        state=lambda: state(shop),
        pattern=lambda path: re.sub(r"/\d+(?=/|$)", "/{id}", path),
        counts=lambda: {"products": len(shop.catalog.items), "orders": len(shop.orders.items)},
        tick=lambda n, number: tick(shop, n, number),
    )
