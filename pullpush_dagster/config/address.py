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


def place_of(facts: ConnectorFile, connection: Connection) -> str:
    """What a connection's file says of where its account is: host and path, the settings that tell it, the connector.

    A scheme tells no account from another; nor do other settings, and the path that a connector adds: a version is what
    these are. The port of this machine is a stand-in's or a tunnel's: ``this machine`` stands for both. What only a
    secret tells is not in it, and a setting that is missing is left out.
    """
    settings = connection.settings
    names = [name for name in (*facts.settings, *facts.account) if name != "base_url" and name in settings]
    given = [settings["base_url"] if "base_url" in settings else _own_address(facts, connection)]
    told = ", ".join([*(_without_scheme(one) for one in given if one), *(f"{name} {settings[name]}" for name in names)])
    return f"{told} ({facts.connector})" if told else facts.connector


def _own_address(facts: ConnectorFile, connection: Connection) -> str:
    """Where its connector says it is, whatever its settings are; of one that it describes itself with the path."""
    if connection.api is not None and "{" not in facts.base_url:
        return facts.base_url
    host = facts.base_url.partition("//")[2].partition("/")[0]
    return "" if "{" in host else host


def _without_scheme(value: str) -> str:
    try:
        url = urlsplit(value if "//" in value else f"//{value}")
        port = f":{url.port}" if url.port not in (None, 80, 443) else ""
    except ValueError:  # it is no address: whoever sends a request says so
        return value
    here = url.hostname in ("127.0.0.1", "::1", "localhost")
    return ("this machine" if here else f"{url.hostname}{port}") + url.path.rstrip("/")
