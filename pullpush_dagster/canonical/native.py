"""Paths into a native record: as SQL, as JSON path, and as the structure that from_json reads."""

import re
from functools import lru_cache

from pullpush_dagster.store.sql import literal, quoted

_STEP = re.compile(r'\."(?P<quoted>[^"]+)"|\.(?P<plain>[^.\[]+)|(?P<chosen>\[[^\]]+\])')

# The JSON path of what has none, such as a chosen row.
NOWHERE = '$."a chosen row"."none"'


@lru_cache(maxsize=4096)
def steps_of(path: str) -> tuple[str, ...]:
    """``item.currency.0`` as ``("currency", "0")``; the first step only names the thing.

    ``item."a.b"`` has a name with a point in it; ``item.list[name=value]`` steps to the first row with that value.
    """
    return tuple(step["quoted"] or step["plain"] or step["chosen"] for step in _STEP.finditer(path))


def chosen(step: str) -> tuple[str, str] | None:
    """Name and value of a step ``[name=value]``; None: it is none."""
    if not step.startswith("["):
        return None
    name, _, value = step[1:-1].partition("=")
    return name, value


def place_in(row: str, path: str) -> str:
    """SQL of what lies at ``path`` in the struct ``row``; of every row of a list, where it has a step ``*``."""
    steps = steps_of(path)
    for place, step in enumerate(steps):
        if step == "*":
            rest = "e" + "".join(f".{quoted(one)}" for one in steps[place + 1 :])
            return f"flatten(list_filter(list_transform({row}, lambda e: {rest}), lambda e: e IS NOT NULL))"
        row = accessed(row, step)
    return row


def accessed(row: str, step: str) -> str:
    """SQL that goes one step down from ``row``; lists count from 1 there."""
    choice = chosen(step)
    if choice is not None:
        return f"list_filter({row}, lambda e: e.{quoted(choice[0])} = {literal(choice[1])})[1]"
    return f"{row}[{int(step) + 1}]" if step.isdigit() else f"{row}.{quoted(step)}"


def json_path(path: str) -> str:
    """``path`` as DuckDB's JSON functions take it; of a chosen row there is none, so it leads nowhere."""
    steps = steps_of(path)
    if any(chosen(step) or step == "*" for step in steps):
        return NOWHERE
    return "$" + "".join(f"[{step}]" if step.isdigit() else f'."{step}"' for step in steps)


def insert(tree: dict[str, object], steps: list[str]) -> None:
    """Put a leaf into the from_json structure; ``"[]"``, a place in it, or a chosen row stands for a list."""
    for place, step in enumerate(steps):
        choice = chosen(step) if step != "[]" else None
        if choice is not None:
            insert(tree, ["[]", choice[0]])
        name = "[]" if step.isdigit() or step == "*" or choice is not None else step
        last = place == len(steps) - 1
        below = tree.setdefault(name, None if last else {})
        if last:
            return
        if below is None:
            below = tree[name] = {}
        tree = below  # type: ignore[assignment]


def is_one(text: str, allowed: list[str], *, false_is_empty: bool) -> str:
    """SQL of whether ``text`` is one of ``allowed``; ``*``: anything but nothing, the empty text: nothing.

    ``false_is_empty``: so is false, unless it is one of them.
    """
    told = f"nullif({text}, 'false')" if false_is_empty and "false" not in allowed else text
    said = f"coalesce({told}, '')"
    plain = [literal(one) for one in allowed if one != "*"]
    found = [f"{said} IN ({', '.join(plain)})"] if plain else []
    found += [f"{said} <> ''"] if "*" in allowed else []
    return f"({' OR '.join(found)})"


def structure(tree: object) -> object:
    """The from_json structure of ``tree``, every leaf as text."""
    if not isinstance(tree, dict) or not tree:
        return "VARCHAR"
    if "[]" in tree:
        return [structure(tree["[]"])]
    return {name: structure(below) for name, below in tree.items()}
