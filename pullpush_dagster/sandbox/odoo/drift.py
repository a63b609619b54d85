"""Drift: a stretch of daily business in the ERP, and the exact list of what it changed."""

import random
from collections import Counter
from typing import Any

from pullpush_dagster.sandbox.odoo.database import Database
from pullpush_dagster.sandbox.odoo.orm import Env, Record
from pullpush_dagster.sandbox.seed import WAREHOUSES

STOCK_KINDS = ("move", "zero", "negative", "vanish", "move", "move")
PRODUCT_KINDS = ("title", "price", "describe", "clear", "create", "archive")
Change = dict[str, Any]


def drift(database: Database, n: int, seed: int) -> dict[str, Any]:
    """What changed: ``stock`` as [sku, warehouse] pairs, ``products`` as SKUs, ``how`` one entry per change.

    About 60 % of the ``n`` changes move stock, the others edit, create or archive products. Every listed value
    really differs from before, and no product is both moved and edited. A SKU that two rows share is left alone; an
    edit of a template with several variants lists all their SKUs. ``how`` holds kind, before and after; after a
    "vanish" the quant is gone and the stock 0.
    """
    rng = random.Random(seed)
    single = _single(database)
    moved = [row for row in single if _template(database, row)["is_storable"]]
    stocked = rng.sample(moved, min(len(moved), round(n * 0.6)))
    how = [_move(database, row, STOCK_KINDS[i % len(STOCK_KINDS)], rng) for i, row in enumerate(stocked)]
    taken = {row["id"] for row in stocked}
    rest = _one_per_template([row for row in single if row["id"] not in taken])
    edited = rng.sample(rest, min(len(rest), n - len(stocked)))
    for i, row in enumerate(edited):
        how += _edit(database, row, PRODUCT_KINDS[i % len(PRODUCT_KINDS)], rng)
    stock = sorted([change["sku"], change["warehouse"]] for change in how if "warehouse" in change)
    return {"stock": stock, "products": sorted({c["sku"] for c in how if "warehouse" not in c}), "how": how}


def _single(database: Database) -> list[Record]:
    """Active rows whose SKU no other row has."""
    rows = [row for row in database.products.rows.values() if row["default_code"]]
    times = Counter(row["default_code"] for row in rows)
    return [row for row in rows if row["active"] and times[row["default_code"]] == 1]


def _one_per_template(rows: list[Record]) -> list[Record]:
    return list({row["product_tmpl_id"]: row for row in rows}.values())


def _template(database: Database, row: Record) -> Record:
    return database.templates.rows[row["product_tmpl_id"]]


def _move(database: Database, row: Record, kind: str, rng: random.Random) -> Change:
    """Sets the stock at one warehouse to another value; what has no units anywhere is moved instead of emptied."""
    levels = {code: database.stock.on_hand(row["id"], frozenset([database.warehouse(code)])) for code in WAREHOUSES}
    full = [code for code in WAREHOUSES if levels[code] != 0]
    kind = "move" if kind in ("zero", "vanish") and not full else kind
    warehouse = rng.choice(full if kind in ("zero", "vanish") else WAREHOUSES)
    before = levels[warehouse]
    after = {"zero": 0.0, "vanish": 0.0, "negative": -float(rng.randint(1, 9))}.get(kind, float(rng.randint(1, 200)))
    after += 1.0 if after == before else 0.0
    quant = database.stock.set(row["id"], database.warehouse(warehouse), after)
    if kind == "vanish":
        database.quants.remove(quant)
    return {"sku": row["default_code"], "warehouse": warehouse, "kind": kind, "before": before, "after": after}


def _edit(database: Database, row: Record, kind: str, rng: random.Random) -> list[Change]:
    """One product change, listed for every variant it reaches."""
    products, template = database.products, _template(database, row)
    if kind == "create":
        return [_create(database, rng)]
    if kind == "archive":
        products.write(Env([row["id"]]), {"active": False})
        return [{"sku": row["default_code"], "kind": kind, "field": "active", "before": True, "after": False}]
    kind = "describe" if kind == "clear" and template["description_sale"] is None else kind
    field, after = {
        "title": ("name", f"{template['name']} v{rng.randint(2, 99)}"),
        "price": ("list_price", round(template["list_price"] + rng.randint(1, 500) / 100, 4)),
        "describe": ("description_sale", f"Described anew, {rng.randint(1, 10**6)}."),
        "clear": ("description_sale", None),
    }[kind]
    before = template[field]
    products.write(Env([row["id"]]), {field: after})
    skus = [products.rows[number]["default_code"] for number in sorted(products.variants[template["id"]])]
    return [{"sku": sku, "kind": kind, "field": field, "before": before, "after": after} for sku in skus]


def _create(database: Database, rng: random.Random) -> Change:
    sku = f"NEW-{database.products.last_id + 1:05d}"
    price = rng.randint(100, 9_999) / 100
    values = {"default_code": sku, "name": f"New arrival {sku}", "list_price": price, "is_storable": True}
    database.products.create(Env(), values)
    return {"sku": sku, "kind": "create", "field": "default_code", "before": None, "after": sku}
