"""What a connector's file and a connection's settings say together: where it is, what requests go in."""

from collections.abc import Mapping
from typing import Any

import httpx

from pullpush_dagster.config import Connection
from pullpush_dagster.config.address import address_fault, address_of
from pullpush_dagster.connectors.model import ConnectorFile
from pullpush_dagster.errors import ConfigError
from pullpush_dagster.transport.envelope import Enveloping


def envelope_of(facts: ConnectorFile, connection: Connection, values: Mapping[str, Any]) -> Enveloping | None:
    """What the connection's requests go in; None: they go as they are. Raises ConfigError: a setting is wrong."""
    envelope = facts.envelope
    if envelope is None:
        return None
    settings = {**facts.defaults, **connection.settings}
    wrong = envelope.problems(settings, facts.defaults)
    if wrong:
        said = "; ".join(f"{name} {text}" for name, text in wrong)
        raise ConfigError(f"settings: {said}", connection=connection.connection)
    return Enveloping(envelope, values) if envelope.used(settings) else None


def base_of(facts: ConnectorFile, connection: Connection, values: Mapping[str, Any]) -> httpx.URL:
    """Where requests go, unless a login says otherwise. Raises ConfigError: it is no address."""
    address = address_of(facts, connection, values)
    fault = address_fault(address)
    if fault is not None:
        raise ConfigError(f"base_url {fault}", connection=connection.connection)
    try:
        return httpx.URL(address)
    except httpx.InvalidURL as error:
        raise ConfigError(f"base_url is no URL: {error}", connection=connection.connection) from None
