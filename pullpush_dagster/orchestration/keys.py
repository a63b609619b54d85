"""Asset keys, and the words the UI shows beside them."""

import dagster as dg

from pullpush_dagster.canonical import Entity
from pullpush_dagster.config import Project, Pull, Push

SYNC_TAG = {"pullpush/run": "sync"}
# What brings news to a destination by itself does not wait in the queue behind a backfill of a year.
AHEAD = {"dagster/priority": "1"}


def platform_key(pull: Pull) -> dg.AssetKey:
    """The external asset at the start of a lineage: what the platform itself holds."""
    return dg.AssetKey([pull.connection, pull.name])


def stage_key(pull: Pull, stage: str) -> dg.AssetKey:
    """``stage`` is pulled, canonical, full or changes."""
    return dg.AssetKey([pull.connection, pull.name, stage])


def push_key(project: Project, push: Push) -> dg.AssetKey:
    """The push asset: [destination, entity, push name]."""
    return dg.AssetKey([push.to, project.pull(push.from_[0]).entity, push.name])


def readback_key(project: Project, push: Push) -> dg.AssetKey:
    """The asset that compares the destination with what it accepted: the push's own key, and ``readback``."""
    return dg.AssetKey([*push_key(project, push).path, "readback"])


def column_schema(entity: Entity) -> dg.TableSchema:
    """The columns of an entity's canonical table, as the UI shows them."""
    columns = [
        dg.TableColumn(name, type_.sql, constraints=dg.TableColumnConstraints(nullable=name not in entity.key))
        for name, type_ in entity.fields.items()
    ]
    return dg.TableSchema(columns=columns)
