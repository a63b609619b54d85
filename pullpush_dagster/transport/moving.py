"""A connection whose address changed: the same account that moved, or another one. Only a person can tell."""

import datetime as dt

import duckdb

from pullpush_dagster.config import Connection
from pullpush_dagster.config.address import place_of
from pullpush_dagster.connectors import Connector
from pullpush_dagster.errors import HaltError
from pullpush_dagster.store import named_sql

_SQL = named_sql(__package__, "moving.sql")
_SAME_ACCOUNT = "if that is the same account, `pullpush moved"


def require_unmoved(con: duckdb.DuckDBPyConnection, connection: Connection, connector: Connector) -> None:
    """Returns where the connection is as it was when it was first used, in the caller's transaction.

    Ids that are bound, what was accepted, baseline and watermark are one account's: in another, the same id is another
    record, and an update would go to that. Where none of these is known, no address was ever the right one.

    Raises:
        HaltError: it is elsewhere by now; ``move`` says that it is the same account.
    """
    said, now = _asks(con, connection, connector), place_of(connector.facts, connection)
    if said is not None:
        raise HaltError(said, connection=connection.connection)
    if _known(con, connection) != now:
        _keep(con, connection, now)


def require_same(con: duckdb.DuckDBPyConnection, connection: Connection, connector: Connector) -> None:
    """Returns where the connection is still where ``require_unmoved`` found it, in the caller's transaction.

    Until something came of it, another process may note another address, and what was asked here is none of that.

    Raises:
        HaltError: it is elsewhere by now.
    """
    noted, here = _known(con, connection), place_of(connector.facts, connection)
    if noted is not None and noted != here:
        raise HaltError(_question(connection.connection, here, noted), connection=connection.connection)


def elsewhere(con: duckdb.DuckDBPyConnection, connection: Connection, connector: Connector) -> str | None:
    """What whoever only looks is told of a connection whose address changed; None: it did not. Nothing is noted.

    None too where its file lacks a setting, so that where it is cannot be told: whoever sends a request says that.
    """
    if not connection.settings.keys() >= {*connector.facts.settings}:
        return None
    said, name = _asks(con, connection, connector), connection.connection
    return said and f"{name} is asked nothing and sent nothing, unless its address is put back: {said}"


def is_moved(reason: str) -> bool:
    """Whether ``reason``, kept of a run that failed, is that ``require_unmoved`` stopped it."""
    return _SAME_ACCOUNT in reason


def _asks(con: duckdb.DuckDBPyConnection, connection: Connection, connector: Connector) -> str | None:
    """What a person has to tell of its address; None: nothing."""
    was, now, name = _known(con, connection), place_of(connector.facts, connection), connection.connection
    if was is None or was == now or not con.execute(_SQL["used"], {"connection": name}).fetchall()[0][0]:
        return None
    return _question(name, was, now)


def _question(name: str, was: str, now: str) -> str:
    return (
        f"it was at {was}, and is at {now} by now: {_SAME_ACCOUNT} {name}`; another one "
        "needs a connection of its own, since its ids are not those of this one"
    )


def move(con: duckdb.DuckDBPyConnection, connection: Connection, connector: Connector) -> tuple[str | None, str]:
    """From now on the connection is the same account where its file says; where it was (None: never used), and is."""
    was, now = _known(con, connection), place_of(connector.facts, connection)
    _keep(con, connection, now)
    return was, now


def _known(con: duckdb.DuckDBPyConnection, connection: Connection) -> str | None:
    row = con.execute(_SQL["known"], {"connection": connection.connection}).fetchone()
    return str(row[0]) if row else None


def _keep(con: duckdb.DuckDBPyConnection, connection: Connection, place: str) -> None:
    name = {"connection": connection.connection}
    con.execute(_SQL["forget"], name)
    con.execute(_SQL["keep"], {**name, "place": place, "now": dt.datetime.now(dt.UTC)})
