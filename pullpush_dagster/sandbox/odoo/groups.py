"""Grouping for ``formatted_read_group``, which is how stock per location is read in one call."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

Record = dict[str, Any]
Getter = Callable[[Record], Any]


def grouped(
    rows: Sequence[Record],
    groups: Mapping[str, Getter],
    shown: Mapping[str, Getter],
    values: Mapping[str, Getter],
    aggregates: Sequence[str],
) -> list[Record]:
    """One result per combination of group values, in the order of first appearance.

    Raises:
        ValueError: an aggregate other than ``__count``, ``:sum``, ``:min`` and ``:max``.
    """
    buckets: dict[tuple[Any, ...], list[Record]] = {}
    for row in rows:
        buckets.setdefault(tuple(get(row) for get in groups.values()), []).append(row)
    return [_result(key, bucket, shown, values, aggregates) for key, bucket in buckets.items()]


def _result(
    key: tuple[Any, ...],
    bucket: Sequence[Record],
    shown: Mapping[str, Getter],
    values: Mapping[str, Getter],
    aggregates: Sequence[str],
) -> Record:
    result = {name: show(bucket[0]) for name, show in shown.items()}
    domain = [[name, "=", value if value is not None else False] for name, value in zip(shown, key, strict=True)]
    totals = {aggregate: _aggregate(aggregate, bucket, values) for aggregate in aggregates}
    return {**result, **totals, "__extra_domain": domain}


def _aggregate(aggregate: str, bucket: Sequence[Record], values: Mapping[str, Getter]) -> Any:
    if aggregate == "__count":
        return len(bucket)
    name, _, function = aggregate.partition(":")
    functions: Mapping[str, Callable[[Sequence[Any]], Any]] = {"sum": sum, "min": min, "max": max}
    if function not in functions:
        raise ValueError(f"Invalid aggregate {aggregate!r}")
    return functions[function]([values[name](row) for row in bucket])
