"""Paths into a native record: as SQL, as JSON path, and as the structure that from_json reads."""

import orjson

from pullpush_dagster.store.sql import quoted


def steps_of(path: str) -> tuple[str, ...]:
    """``item.currency.0`` as ``("currency", "0")``; the first step only names the thing."""
    return tuple(path.split(".")[1:])


def place_in(row: str, path: str) -> str:
    """SQL of what lies at ``path`` in the struct ``row``."""
    return row + "".join(accessed(step) for step in steps_of(path))


def accessed(step: str) -> str:
    """SQL that goes one step down; lists count from 1 there."""
    return f"[{int(step) + 1}]" if step.isdigit() else f".{quoted(step)}"


def json_path(path: str) -> str:
    """``path`` as DuckDB's JSON functions take it."""
    return "$" + "".join(f"[{step}]" if step.isdigit() else f'."{step}"' for step in steps_of(path))


def insert(tree: dict[str, object], steps: list[str]) -> None:
    """Put a leaf into the from_json structure; ``"[]"``, or a place in it, stands for a list."""
    steps = ["[]" if step.isdigit() else step for step in steps]
    for step, following in zip(steps, [*steps[1:], None], strict=True):
        below = tree.setdefault(step, {} if following else None)
        if following is None:
            return
        if below is None:
            below = tree[step] = {}
        tree = below  # type: ignore[assignment]


def structure(tree: dict[str, object]) -> str:
    """The from_json structure of ``tree``, every leaf as text."""
    return orjson.dumps(_shape(tree)).decode()


def _shape(tree: object) -> object:
    if not isinstance(tree, dict) or not tree:
        return "VARCHAR"
    if "[]" in tree:
        return [_shape(tree["[]"])]
    return {name: _shape(below) for name, below in tree.items()}
