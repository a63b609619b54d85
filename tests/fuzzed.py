"""Pages with faults in them, such as a bad day, a bad proxy or a bad update of the platform makes."""

import copy
import random
from collections.abc import Callable
from typing import Any

import orjson

Record = dict[str, Any]
VALUES: list[Any] = [
    None, 0, "", "0", -1, -0.0, 1e300, "1e300", 10**18, "9" * 40, "NaN", "n/a", True, False, [], {}, [1, 2], {"a": 1},
    "x" * 5000, "😀", "\u0000", "2026-99-99T00:00:00", "0000-00-00 00:00:00", "9999-12-31T23:59:59Z", 0.00001,
]  # fmt: skip
BODIES = [
    "null",
    "{}",
    "[]",
    '"ok"',
    "0",
    "[null]",
    "[[]]",
    "[1, 2]",
    '["x"]',
    '[{"id": 1}]',
    "[{}]",
    " ",
    "[[[[[]]]]]",
]


def mutated(rng: random.Random, records: list[Record]) -> bytes:
    """A page of ``records`` after one to three mutations."""
    page = copy.deepcopy(records)
    for _ in range(rng.choice([1, 1, 2, 3])):
        rng.choice(_OF_RECORDS)(rng, page)
    body = orjson.dumps(page)
    return rng.choice(_OF_BYTES)(rng, body) if rng.random() < 0.3 else body


def _some(rng: random.Random, page: list[Record]) -> list[Record]:
    """A few of them, most or all."""
    many = rng.choice([1, min(5, len(page)), len(page) // 2, len(page)])
    return rng.sample(page, min(many, len(page)))


def _replace(rng: random.Random, page: list[Record]) -> None:
    """A field has one and the same value in all of them."""
    value = rng.choice(VALUES)
    _each(rng, page, lambda _: value)


def _scatter(rng: random.Random, page: list[Record]) -> None:
    """A field has any value in any of them."""
    _each(rng, page, lambda _: rng.choice(VALUES))


def _scale(rng: random.Random, page: list[Record]) -> None:
    """Numbers are a hundred times what they were, or negative, or nearly nothing."""
    factor = rng.choice([100, -1, 0.001, 0.5, 1.01])
    _each(rng, page, lambda old: str(round(float(old) * factor, 4)) if _is_number(old) else old)


def _each(rng: random.Random, page: list[Record], change: Callable[[Any], Any]) -> None:
    field = rng.choice(list(page[0])) if page and page[0] else ""
    for record in _some(rng, page):
        record[field] = change(record.get(field))


def _is_number(value: Any) -> bool:
    try:
        return abs(float(value)) < 1e12
    except (TypeError, ValueError):
        return False


def _leave_out(rng: random.Random, page: list[Record]) -> None:
    """A field is missing."""
    field = rng.choice(list(page[0])) if page and page[0] else ""
    for record in _some(rng, page):
        record.pop(field, None)


def _drop(rng: random.Random, page: list[Record]) -> None:
    gone = [id(record) for record in _some(rng, page)]
    page[:] = [record for record in page if id(record) not in gone]


def _repeat(rng: random.Random, page: list[Record]) -> None:
    """Records come twice, as themselves or under another id."""
    other = rng.random() < 0.5
    page += [{**record, "id": f"again-{record.get('id')}"} if other else dict(record) for record in _some(rng, page)]


def _upper(rng: random.Random, page: list[Record]) -> None:
    """Keys in capitals: those of the business, or those of the JSON objects."""
    names = rng.random() < 0.5
    for record in _some(rng, page):
        changed = {
            name.upper() if names else name: value if names or name != "sku" else str(value).upper()
            for name, value in record.items()
        }
        record.clear()
        record.update(changed)


def _swap(rng: random.Random, page: list[Record]) -> None:
    """One field's value stands in another one."""
    one, other = rng.choices(list(page[0]), k=2) if page and page[0] else ("", "")
    for record in _some(rng, page):
        record[one] = record.get(other)


def _cut(rng: random.Random, body: bytes) -> bytes:
    return body[: rng.randrange(len(body) + 1)]


def _flip(rng: random.Random, body: bytes) -> bytes:
    flipped = bytearray(body)
    for _ in range(rng.choice([1, 2, 10])):
        flipped[rng.randrange(len(flipped))] ^= 1 << rng.randrange(8)
    return bytes(flipped)


def _doubled(rng: random.Random, body: bytes) -> bytes:
    return body + body


def _other(rng: random.Random, body: bytes) -> bytes:
    return rng.choice(BODIES).encode()


_OF_RECORDS = [_replace, _replace, _scatter, _scale, _leave_out, _drop, _repeat, _upper, _swap]
_OF_BYTES = [_cut, _flip, _flip, _flip, _doubled, _other]
