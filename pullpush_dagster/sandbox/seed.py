"""The world both platforms are seeded from: one list of items, the same for the same size and seed."""

import random
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import count, islice

WAREHOUSES = ("WH", "STORE")
WORDS = ("Oak", "Steel", "Linen", "Copper", "Glass", "Walnut", "Canvas", "Marble", "Cork", "Wool")
THINGS = ("Table", "Lamp", "Chair", "Shelf", "Bowl", "Rug", "Clock", "Vase", "Stool", "Mirror")
ABROAD = ("Küchenstuhl", "Жёлтая лампа", "木製テーブル", "Chaise d’été", "Łóżko dębowe", "كرسي خشبي")


@dataclass
class Item:
    """One product row of the ERP, and what the shop already has under its SKU.

    ``stock`` gives the units by warehouse; a warehouse that is missing was never stocked, and 0 is a real zero.
    ``outgoing`` and ``incoming`` are units of confirmed, undelivered orders. ``group`` is the template: items of one
    group are variants of one template. ``shop`` is None where the shop lacks the SKU.
    """

    sku: str
    title: str
    price: Decimal
    stamp: datetime
    group: int
    description: str | None = None
    barcode: str | None = None
    type: str = "consu"
    storable: bool = True
    active: bool = True
    stock: dict[str, float] = field(default_factory=dict)
    outgoing: dict[str, float] = field(default_factory=dict)
    incoming: dict[str, float] = field(default_factory=dict)
    shop: "Shelf | None" = None
    trap: str = ""


@dataclass(frozen=True)
class Shelf:
    """How the shop holds an item: ``quantity`` None is unmanaged stock."""

    quantity: int | None
    price: str


@dataclass(frozen=True)
class Counts:
    """How many rows carry each trap, at least one of each; shares of the size, so 2,000 rows hold 40 services."""

    services: int
    untracked: int
    never_stocked: int
    zero: int
    negative: int
    variants: int
    archived: int
    duplicates: int
    outgoing: int
    one_stamp: int
    in_shop: int
    shop_only: int

    @classmethod
    def of(cls, skus: int) -> "Counts":
        """The counts for a number of product rows; the block of one timestamp is 1,000 rows, or half when small."""
        share = {
            "services": 0.02,
            "untracked": 0.03,
            "never_stocked": 0.05,
            "zero": 0.05,
            "negative": 0.02,
            "archived": 0.01,
            "duplicates": 0.005,
            "outgoing": 0.10,
            "in_shop": 0.10,
            "shop_only": 0.01,
        }
        sizes = {name: max(1, int(skus * part)) for name, part in share.items()}
        return cls(**sizes, variants=3 * max(1, int(skus * 0.015)), one_stamp=min(1000, skus // 2))


def items(skus: int, seed: int, now: datetime) -> list[Item]:
    """The ERP's product rows in the order they were made; stamps lie in the 30 days before ``now`` (UTC).

    Some SKUs stand twice (two rows, one SKU), so the list has a few fewer distinct SKUs than rows.
    """
    rng = random.Random(seed)
    counts = Counts.of(skus)
    made = [_plain(number, rng, now) for number in range(1, skus + 1)]
    _trap(made, counts, rng)
    _decorate(made, rng)
    _share_stamp(made, counts, rng, now)
    _place_in_shop(made, counts, rng)
    return made


def shelved(made: list[Item], seed: int, shop: str) -> list[Item]:
    """The items as another shop holds them: a share of the SKUs and stocks of its own, drawn by its name."""
    for item in made:
        item.shop = None
    _place_in_shop(made, Counts.of(len(made)), random.Random(f"{shop}/shelves/{seed}"))
    return made


def shop_only(skus: int, seed: int, now: datetime, shop: str = "shop") -> list[Item]:
    """Items that only the shop of this name has, under SKUs of its own such as ``SHOP-00001``."""
    rng = random.Random(f"{shop}/{seed}")
    made = [_plain(number, rng, now) for number in range(1, Counts.of(skus).shop_only + 1)]
    for number, item in enumerate(made, 1):
        item.sku = f"{shop.upper()}-{number:05d}"
        item.shop = Shelf(rng.choice([None, 0, 4, 11]), f"{item.price:.2f}")
    return made


def _plain(number: int, rng: random.Random, now: datetime) -> Item:
    """A storable product, stocked in the first warehouse and mostly in the second."""
    stock: dict[str, float] = {"WH": float(rng.randint(1, 120))}
    if rng.random() < 0.7:
        stock["STORE"] = float(rng.randint(0, 30))
    title = f"{rng.choice(WORDS)} {rng.choice(THINGS)} {number}"
    return Item(
        sku=f"SKU-{number:05d}",
        title=title,
        price=Decimal(rng.randint(100, 99_999)) / 100,
        stamp=now - timedelta(seconds=rng.randint(3600, 30 * 86_400)),
        group=number,
        description=f"{title}, made to last." if rng.random() < 0.8 else None,
        barcode=f"40{_digits(number)}" if rng.random() < 0.5 else None,
        stock=stock,
    )


def _digits(number: int) -> str:
    """Eleven digits that no other row number gives."""
    return f"{number * 7919 % 10**11:011d}"


def _trap(made: list[Item], counts: Counts, rng: random.Random) -> None:
    """Gives every trap its rows; the traps do not overlap, so each can be told by its counts."""
    numbers = list(range(len(made)))
    grouped = set(_group_variants(made, counts.variants))
    free = [number for number in numbers if number not in grouped]
    rng.shuffle(free)
    rows = (made[number] for number in free)
    for item in islice(rows, counts.services):
        item.trap, item.type, item.storable, item.stock = "service", "service", False, {}
    for item in islice(rows, counts.untracked):
        item.trap, item.storable, item.stock = "untracked", False, {}
    for item in islice(rows, counts.never_stocked):
        item.trap, item.stock = "never_stocked", {}
    for item in islice(rows, counts.zero):
        item.trap, item.stock = "zero", dict.fromkeys(WAREHOUSES, 0.0)
    for item in islice(rows, counts.negative):
        item.trap, item.stock = "negative", {"WH": -float(rng.randint(1, 9)), "STORE": 2.0}
    for item in islice(rows, counts.archived):
        item.trap, item.active = "archived", False
    _duplicate(rows, counts.duplicates)
    for item in islice(rows, counts.outgoing):
        item.trap, item.outgoing = "outgoing", {"WH": float(rng.randint(1, 5))}
        item.incoming = {"WH": 10.0} if rng.random() < 0.2 else {}


def _group_variants(made: list[Item], rows: int) -> Iterator[int]:
    """Makes variants out of the last rows, three to a template, and yields their indexes."""
    for index in range(len(made) - rows, len(made)):
        first = made[len(made) - rows + (index - len(made) + rows) // 3 * 3]
        item = made[index]
        item.trap, item.group = "variant", first.group
        item.title, item.price, item.description = first.title, first.price, first.description
        yield index


def _duplicate(rows: Iterator[Item], pairs: int) -> None:
    for first, second in islice(zip(rows, rows, strict=False), pairs):
        second.sku = first.sku
        first.trap = second.trap = "duplicate"


def _decorate(made: list[Item], rng: random.Random) -> None:
    """Titles and SKUs outside ASCII and prices of four decimals, on rows of every kind."""
    serial = count(1)
    for item in made:
        if item.trap == "variant":
            continue
        if rng.random() < 0.1:
            item.title = f"{rng.choice(ABROAD)} {item.group}"
        if rng.random() < 0.05:
            item.price += Decimal(rng.randint(1, 99)) / 10_000
        if item.trap == "" and rng.random() < 0.01:
            item.sku = f"SKU-Ä{next(serial):03d}-ß"


def _share_stamp(made: list[Item], counts: Counts, rng: random.Random, now: datetime) -> None:
    """One second shared by a block of rows, as after an import: more rows than any page holds."""
    stamp = now - timedelta(days=3)
    for item in rng.sample(made, counts.one_stamp):
        item.stamp = stamp


def _place_in_shop(made: list[Item], counts: Counts, rng: random.Random) -> None:
    """Puts some SKUs into the shop, half of them unmanaged, the others with a stock of the shop's own."""
    fit = [item for item in made if item.trap not in ("duplicate", "variant")]
    for number, item in enumerate(rng.sample(fit, min(len(fit), counts.in_shop))):
        quantity = rng.randint(0, 60) if number % 2 else None
        item.shop = Shelf(quantity, f"{item.price:.2f}")
