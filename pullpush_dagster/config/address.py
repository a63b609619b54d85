"""Where a connection's requests go."""

from collections.abc import Mapping
from urllib.parse import urlsplit

from pullpush_dagster.config.connection import Connection
from pullpush_dagster.connectors.model import ConnectorFile
from pullpush_dagster.connectors.template import fill_text


def address_of(facts: ConnectorFile, connection: Connection, values: Mapping[str, object]) -> str:
    """The connection's own address, else the one that its connector makes of ``values`` (``settings.NAME``).

    Raises:
        ConfigError: a setting in it is missing.
    """
    own = connection.settings.get("base_url") if "base_url" not in facts.settings else None
    trimmed = {name: str(value).rstrip("/") for name, value in values.items()}
    return own or fill_text(facts.base_url, trimmed, what=f"base_url of {connection.connection}")


def address_fault(address: str) -> str | None:
    """Why nothing can be sent to ``address``, without showing it; None: it can."""
    wanted = "must be http(s)://host, with no user in it"
    try:
        url = urlsplit(address)
    except ValueError:
        return wanted
    blank = any(letter.isspace() for letter in address)
    if url.scheme not in ("http", "https") or not url.hostname or "@" in url.netloc or blank:
        return wanted
    try:
        good = url.port is None or url.port > 0
    except ValueError:
        good = False
    return None if good else "has a port that is none; there are 1 to 65535"
