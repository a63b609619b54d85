"""What was read, and has not been audited, when the next reading comes."""

from collections.abc import Mapping

import duckdb

from pullpush_dagster.audit.auditing import audit
from pullpush_dagster.canonical import Entity
from pullpush_dagster.canonical.frame import Frame
from pullpush_dagster.canonical.keeping import FrameOf, Kept, keep_frame, silences


def take_up(
    con: duckdb.DuckDBPyConnection, entity: Entity, of: FrameOf, frame: Frame, limits: Mapping[str, float | None]
) -> Kept:
    """As ``keep_frame``, once what the frame says nothing of has been audited, as where a run died before its audit.

    There is one row per key: a field that only the replaced one tells would be lost, and one that the new row took over
    would be judged among what the new frame says, where a few zeros of a disaster pass every limit. The windows of a
    backfill are one change set, and are judged as one: a row takes over there what only the former one tells.

    Args:
        limits: the pull's own guard limits, by name.
    """
    if of.window is None and silences(con, entity, of, frame):
        audit(con, entity, of.connection, of.name, of.scope, limits)
    return keep_frame(con, entity, of, frame)
