"""The newest read-back of each push, as the store keeps it."""

import datetime as dt
from dataclasses import dataclass
from typing import Any

import duckdb
import orjson

from pullpush_dagster.config import Push
from pullpush_dagster.store import named_sql

_SQL = named_sql(__package__, "compare.sql")
_MOST = 1_000_000


@dataclass(frozen=True)
class ReadBack:
    """What one read-back came to. Instants are UTC, numbers are keys, but ``records``: what the destination gave.

    Attributes:
        compared: of which something is known. drifted: with a field that is not as accepted. gone: not there any more.
        left_out: under way when it began, accepted since, or changed by an order that is known of.
        unreadable: quarantined, there in a form that says nothing, or in a scope that the destination has closed.
        doubt: why no key, or none of a scope, was taken for gone; None: nothing stood against it.
    """

    started_at: dt.datetime
    finished_at: dt.datetime
    records: int
    compared: int
    drifted: int
    gone: int
    left_out: int
    unreadable: int
    doubt: str | None = None

    def numbers(self) -> dict[str, int]:
        """The counts, as people are told them."""
        return {
            "compared": self.compared, "drifted": self.drifted, "gone there": self.gone,
            "left out": self.left_out, "unreadable": self.unreadable,
        }  # fmt: skip


@dataclass(frozen=True)
class Drift:
    """One field of one key that is not what the destination accepted.

    ``field`` None: the key is gone there, and ``accepted`` is all that it had. Values are as stored: text, a list or
    an object; False is cleared.
    """

    key: str
    field: str | None
    accepted: Any
    there: Any

    @property
    def values(self) -> dict[str, str]:
        """The fields of its key."""
        found: dict[str, str] = orjson.loads(self.key)
        return found


def newest(con: duckdb.DuckDBPyConnection, push: Push, most: int = _MOST) -> tuple[ReadBack, list[Drift]] | None:
    """The newest read-back of ``push``, with at most ``most`` of what drifted, by key; None: there was none."""
    row = con.execute(_SQL["newest"], {"push": push.name}).fetchone()
    if row is None:
        return None
    started, finished, *rest = row
    rows = con.execute(_SQL["drifted"], {"push": push.name, "most": most}).fetchall()
    found = [Drift(key, field, _read(accepted), _read(there)) for key, field, accepted, there in rows]
    return ReadBack(started.astimezone(dt.UTC), finished.astimezone(dt.UTC), *rest), found


def keep(con: duckdb.DuckDBPyConnection, push: Push, found: ReadBack) -> None:
    """Put ``found``, and the temporary table ``compared``, in place of the last read-back, unless that began later."""
    who = {"push": push.name}
    if con.execute(_SQL["newer"], {**who, "started": found.started_at}).fetchone():
        return
    for step in ("forget_drift", "drift", "forget"):
        con.execute(_SQL[step], who)
    con.execute(_SQL["remember"], {
        **who, "started": found.started_at, "finished": found.finished_at, "records": found.records,
        "compared": found.compared, "drifted": found.drifted, "gone": found.gone, "left_out": found.left_out,
        "unreadable": found.unreadable, "doubt": found.doubt,
    })  # fmt: skip


def _read(text: str | None) -> Any:
    return None if text is None else orjson.loads(text)
