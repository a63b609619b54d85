"""What a connection says that its connector cannot do with."""

from collections.abc import Iterator

from pullpush_dagster.config.address import address_fault, address_of
from pullpush_dagster.config.connection import Connection
from pullpush_dagster.connectors.model import ConnectorFile
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
        yield from _address_faults(connection, facts, {f"settings.{name}": value for name, value in settings.items()})


def _address_faults(connection: Connection, facts: ConnectorFile, values: dict[str, str]) -> _Faults:
    try:
        fault = address_fault(address_of(facts, connection, values))
    except ConfigError as error:
        yield ("settings",), str(error)
        return
    if fault is not None and "base_url" in connection.settings:
        yield ("settings", "base_url"), fault
    elif fault is not None:
        yield ("settings",), f"the address that {facts.connector} makes of them {fault}"
