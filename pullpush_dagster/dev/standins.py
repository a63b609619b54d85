"""The stand-ins of a project: which ones it needs, where they listen, and those that run."""

import json
import os
import urllib.error
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

from pullpush_dagster.config import Project
from pullpush_dagster.errors import ConfigError, HaltError, PullPushError
from pullpush_dagster.sandbox import Standin

_LOOPBACK = ("127.0.0.1", "localhost", "::1")


def platforms_of(project: Project) -> dict[str, str]:
    """Connection -> the platform that stands in for it."""
    return {name: connection.connector for name, connection in project.connections.items()}


def ports_of(project: Project) -> dict[str, int]:
    """Connection -> the port its base_url names.

    Raises:
        ConfigError: one names another machine, or no port.
    """
    ports = {}
    for name in project.connections:
        url = urlsplit(_base_url(project, name))
        if url.scheme != "http" or url.hostname != "127.0.0.1" or not url.port:
            raise ConfigError("the sandbox runs only where base_url is http://127.0.0.1:PORT", connection=name)
        ports[name] = url.port
    return ports


def set_secrets(project: Project, sandbox: Mapping[str, Standin]) -> None:
    """Set the environment variables that the connections name to what their stand-ins accept."""
    for name, connection in project.connections.items():
        given = dict(sandbox[name].secrets)
        for secret, variable in connection.secrets.items():
            os.environ[variable] = given.get(secret) or given["key"]


def standins_of(project: Project) -> tuple[dict[str, Standin], dict[str, PullPushError]]:
    """The stand-ins that run where the project's connections point, whoever started them; and why others have none.

    Raises:
        ConfigError, HaltError: none runs; why the first connection has none.
    """
    found: dict[str, Standin] = {}
    without: dict[str, PullPushError] = {}
    for name in project.connections:
        try:
            found[name] = _standin_of(project, name)
        except (ConfigError, HaltError) as error:
            without[name] = error
    if without and not found:
        raise next(iter(without.values()))
    return found, without


def _standin_of(project: Project, name: str) -> Standin:
    url = _base_url(project, name)
    if urlsplit(url).hostname not in _LOOPBACK:
        raise ConfigError("base_url is not on this machine, so there is no sandbox behind it", connection=name)
    standin = Standin.at(project.connection(name).connector, url)
    about_of(name, standin)
    return standin


def about_of(name: str, standin: Standin) -> dict[str, Any]:
    """What a stand-in says of itself. Raises HaltError: none runs there."""
    try:
        return standin.about()
    except (urllib.error.URLError, ConnectionError, TimeoutError):
        raise HaltError(
            f"no stand-in answers at {standin.url}; `make dev` and `pullpush sandbox run` start one for each connection"
            " that there is by then",
            connection=name,
        ) from None
    except (ValueError, json.JSONDecodeError):
        raise HaltError(f"what answers at {standin.url} is no stand-in", connection=name) from None


def _base_url(project: Project, name: str) -> str:
    url = project.connection(name).settings.get("base_url")
    if not url:
        raise ConfigError("has no settings.base_url, so there is no sandbox behind it", connection=name)
    return url
