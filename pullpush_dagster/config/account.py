"""What a connection says that its connector cannot do with."""

from collections.abc import Iterator
from urllib.parse import urlsplit

from pullpush_dagster.config.address import address_fault, address_of
from pullpush_dagster.config.connection import Connection
from pullpush_dagster.connectors.auth_model import Auth
from pullpush_dagster.connectors.model import ConnectorFile
from pullpush_dagster.connectors.template import holes
from pullpush_dagster.errors import ConfigError

_Faults = Iterator[tuple[tuple[str, ...], str]]


def account_faults(connection: Connection, facts: ConnectorFile) -> _Faults:
    """(key, what is wrong and what is allowed) for each fault. None: all is well."""
    known = list(dict.fromkeys([*facts.settings, *facts.optional_settings, "base_url"]))
    for part, given, needed, allowed in (
        ("settings", connection.settings, facts.settings, known),
        ("secrets", connection.secrets, facts.secrets, [*facts.secrets, *facts.optional_secrets]),
    ):
        yield from (((part, name), "is required") for name in needed if name not in given)
        extra = [name for name in given if name not in allowed]
        yield from (((part, name), f"is not known; allowed: {', '.join(allowed)}") for name in extra)
    settings = {**facts.defaults, **connection.settings}
    if facts.envelope is not None:
        for name, text in facts.envelope.problems(settings, facts.defaults):
            yield ("settings", name), text
    if all(name in connection.settings for name in facts.settings):
        yield from _place_faults(connection, facts, {f"settings.{name}": value for name, value in settings.items()})
    elif isinstance(facts.auth, list):
        yield from _way_faults(connection, facts, "")


def way_of(facts: ConnectorFile, connection: Connection, scheme: str) -> Auth:
    """The way of saying who we are. Raises ConfigError: there is none with these secrets, or to such an address."""
    auth = facts.auth
    if isinstance(auth, Auth):
        return auth
    if isinstance(auth, list):
        has = {f"secret.{name}" for name in connection.secrets}
        needed = [{hole for hole in holes(one.model_dump()) if hole.startswith("secret.")} for one in auth]
        found = next((one for one, names in zip(auth, needed, strict=True) if names <= has), None)
        if found is None:
            ways = " or ".join(", ".join(sorted(name.removeprefix("secret.") for name in names)) for names in needed)
            raise ConfigError(f"secrets must have {ways}", connection=connection.connection)
        return found
    if scheme not in auth:
        raise ConfigError(f"this platform is not spoken to over {scheme}", connection=connection.connection)
    return auth["https" if scheme == "https" else "http"]


def _way_faults(connection: Connection, facts: ConnectorFile, scheme: str) -> _Faults:
    try:
        way_of(facts, connection, scheme)
    except ConfigError as error:
        yield ("secrets" if isinstance(facts.auth, list) else "settings",), error.said


def _place_faults(connection: Connection, facts: ConnectorFile, values: dict[str, str]) -> _Faults:
    try:
        address = address_of(facts, connection, values)
    except ConfigError as error:
        yield ("settings",), str(error)
        return
    fault = address_fault(address)
    if fault is None:
        yield from _way_faults(connection, facts, urlsplit(address).scheme)
    elif "base_url" in connection.settings:
        yield ("settings", "base_url"), fault
    else:
        yield ("settings",), f"the address that {facts.connector} makes of them {fault}"
