"""New items at a destination: what was accepted under their keys was another item's, so it is sent once more."""

import duckdb
import pyarrow as arrow

from pullpush_dagster.canonical import Entity
from pullpush_dagster.changes.affected import AT_ONCE
from pullpush_dagster.config import Project, Push
from pullpush_dagster.store import named_sql
from pullpush_dagster.store.sql import used

_SQL = named_sql(__package__, "new_items.sql")


def bound_alike(project: Project, to: str, bound_as: Entity) -> list[Push]:
    """Pushes to ``to`` whose ids are bound under ``bound_as``, as those of products and of their stock are."""
    connector = project.connector(to)
    pushes = (push for push in project.pushes.values() if push.to == to)
    return [push for push in pushes if connector.bound_as(project.entity_of(push).name) == bound_as.name]


def send_to_new_items(
    con: duckdb.DuckDBPyConnection, push: Push, entity: Entity, bound_as: Entity, new_items: arrow.Table
) -> None:
    """Let all that is known of the keys of ``new_items`` arrive at ``push`` again, where something was accepted.

    Args:
        new_items: ``key`` (JSON text, of ``bound_as``) of items that the destination's own pull found, or of which a
            push was told that they are gone, so that there will be others.
    """
    fields = [name for name in bound_as.key if name not in push.translate]
    if not fields or not len(new_items):
        return
    field = fields[0]
    values = {
        "push": push.name,
        "to": push.to,
        "entity": entity.name,
        "field": field,
        "path": f"$.{field}",
        "at_once": AT_ONCE,
    }
    con.register("new_items", new_items)
    for step in ("replaced", "forget", "affected", "drop"):
        con.execute(_SQL[step], used(_SQL[step], values))
    con.unregister("new_items")
