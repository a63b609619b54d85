"""A stand-in for the WooCommerce REST API v3: products and their variations."""

import re

from pullpush_dagster.sandbox import seed
from pullpush_dagster.sandbox.clock import Clock
from pullpush_dagster.sandbox.server import Platform, Settings
from pullpush_dagster.sandbox.woocommerce.app import app
from pullpush_dagster.sandbox.woocommerce.auth import Auth
from pullpush_dagster.sandbox.woocommerce.commands import commands
from pullpush_dagster.sandbox.woocommerce.world import filled, state


def build(settings: Settings) -> Platform:
    """The shop, seeded; it accepts the consumer ``key`` and ``secret``."""
    clock = Clock()
    world = (settings.skus, settings.seed, settings.now)
    shop = filled([*seed.items(*world), *seed.shop_only(*world)], settings.now, clock)
    return Platform(
        app=app(shop, Auth(settings.secrets["key"], settings.secrets["secret"])),
        clock=clock,
        commands=commands(shop),
        state=lambda: state(shop),
        pattern=lambda path: re.sub(r"/\d+(?=/|$)", "/{id}", path),
    )
