"""Keeps shops, ERPs, warehouses, marketing and phone systems in step, on Dagster."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pullpush_dagster.orchestration import Pull, Push

__all__ = ["Pull", "Push"]


def __getattr__(name: str) -> Any:
    # The two components need Dagster, which takes seconds to import; the command line does without it.
    if name in __all__:
        from pullpush_dagster import orchestration

        return getattr(orchestration, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return [*globals(), *__all__]
