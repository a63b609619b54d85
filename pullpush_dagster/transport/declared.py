"""What a connector's file and a connection's settings say together: where it is, who we are, what requests go in."""

from collections.abc import Mapping
from typing import Any

import httpx

from pullpush_dagster.config import Connection
from pullpush_dagster.config.address import address_fault, address_of
from pullpush_dagster.connectors.auth_model import Auth
from pullpush_dagster.connectors.model import ConnectorFile
from pullpush_dagster.connectors.template import holes
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


def auth_of(facts: ConnectorFile, base: httpx.URL, connection: Connection) -> Auth:
    """The way of saying who we are. Raises ConfigError: there is none with these secrets, or to this address."""
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
    if base.scheme not in auth:
        raise ConfigError(f"this platform is not spoken to over {base.scheme}", connection=connection.connection)
    return auth["https" if base.scheme == "https" else "http"]
