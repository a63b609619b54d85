"""The guard: shares of the known keys that a change set may touch before a person has to look."""

from collections.abc import Mapping
from dataclasses import dataclass

# No limit is tighter than this many keys, so that a small catalogue can be worked on.
_AT_LEAST = 20
_DEFAULTS: dict[str, float | None] = {"deleted": 0.05, "zeroed": 0.10, "changed": 0.30, "price": 0.01, "rows": 0.20}
_BY_ENTITY: dict[str, dict[str, float | None]] = {
    # Stock moves all day; that is no sign of anything.
    "stocklevel": {"changed": None},
    "order": {"changed": None, "price": None},
    "invoice": {"changed": None, "price": None},
    "call": {"changed": None, "price": None},
}


@dataclass(frozen=True)
class Counts:
    """What a change set does. ``baseline``: keys known before; ``missing``: those of them that a full pull lacks.

    ``changed`` counts updates, not inserts; ``zeroed`` and ``price`` are updates too.
    """

    baseline: int
    missing: int = 0
    inserted: int = 0
    changed: int = 0
    deleted: int = 0
    zeroed: int = 0
    price: int = 0


def zeroes_sql(now: str, before: str) -> str:
    """SQL: ``before`` could be sold and ``now`` no longer; what is unknown counts as neither.

    Less than nothing can be sold no more than nothing can. What is emptied is given as 0, as it does the same harm.
    """
    return f"coalesce(({now} = 0 AND {before} <> 0) OR ({now} < 0 AND {before} > 0), false)"


def jumps_sql(now: str, before: str) -> str:
    """SQL: a price moved by more than half of what it was; what is unknown did not."""
    # Two amounts of 14 digits may be too far apart for their own type.
    now, before = f"CAST({now} AS DECIMAL(38,4))", f"CAST({before} AS DECIMAL(38,4))"
    return f"coalesce(2 * abs({now} - {before}) > abs({before}), false)"


def breaches(entity: str, own: Mapping[str, float | None], counts: Counts) -> list[str]:
    """One sentence per limit that ``counts`` breaks. Empty: the change set is plausible.

    Args:
        own: limits a file sets itself, by name; they win over the defaults. None: no such limit.
    """
    limits = _DEFAULTS | _BY_ENTITY.get(entity, {}) | dict(own)
    found = []
    for name, touched in _touched(counts).items():
        share = limits[name]
        if share is not None and touched > max(share * counts.baseline, _AT_LEAST):
            found.append(
                f"{_WORDS[name]} {touched} of {counts.baseline} keys (limit {share:.0%}, at least {_AT_LEAST})"
            )
    return found


_WORDS = {
    "deleted": "deletes",
    "zeroed": "sets to zero or less",
    "changed": "changes",
    "price": "moves the price by more than half of",
    "rows": "no longer has",
}


def _touched(counts: Counts) -> dict[str, int]:
    return {
        "deleted": counts.deleted,
        "zeroed": counts.zeroed,
        "changed": counts.changed,
        "price": counts.price,
        "rows": counts.missing,
    }
