"""An account on the platform that is played: the engine's own project, with one connection and no files."""

import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from pullpush_dagster.canonical.native import steps_of
from pullpush_dagster.config import Connection, Project, Pull
from pullpush_dagster.config.sync import Partitions
from pullpush_dagster.connectors import Connector
from pullpush_dagster.connectors.auth_model import Auth
from pullpush_dagster.connectors.model import ConnectorFile
from pullpush_dagster.connectors.template import fill, fill_text
from pullpush_dagster.contract.acting import Heard, Platform, Reply, origin_of
from pullpush_dagster.contract.samples import Samples
from pullpush_dagster.transport.diverting import diverted_to

# Where a platform without a host of its own is said to be.
_ANYWHERE = "https://platform.example"
_NAME = "account"


@dataclass(frozen=True)
class Account(Project):
    """A project with the one connection ``account``, and the platform that is played for it.

    Attributes:
        tested: the connector; nothing in it makes anybody wait. secrets: their made-up values, by name.
    """

    tested: Connector = field(kw_only=True)
    samples: Samples = field(kw_only=True)
    platform: Platform = field(kw_only=True)
    secrets: Mapping[str, str] = field(kw_only=True, repr=False)

    def connector(self, connection: str) -> Connector:  # noqa: ARG002 - there is one
        """The one that is tested."""
        return self.tested

    def connection(self, name: str = _NAME) -> Connection:  # noqa: ARG002 - there is one
        """The one there is."""
        settings = {**self.samples.settings}
        if "base_url" in {*self.tested.facts.settings, *self.tested.facts.optional_settings}:
            settings.setdefault("base_url", _ANYWHERE)
        secrets = {one: _variable(one) for one in self.secrets}
        return Connection(connection=_NAME, connector=self.tested.name, settings=settings, secrets=secrets)

    def for_entity(self, entity: str) -> "Account":
        """The account that holds ``entity``; some platforms keep it elsewhere."""
        own = self.samples.entities[entity].settings
        return replace(self, samples=self.samples.model_copy(update={"settings": {**self.samples.settings, **own}}))

    def pull_of(self, entity: str) -> Pull:
        """A pull of ``entity``, of the sample's scope where it has one."""
        sample, facts = self.samples.entities[entity].pull, self.tested.pull(entity)
        if sample is None or not sample.scope:
            return Pull(connection=_NAME, entity=entity)
        by = next(iter(facts.scope))
        return Pull(connection=_NAME, entity=entity, partitions=Partitions(by=by, values=[sample.scope]))

    @property
    def base_url(self) -> str:
        """Where the connector's paths begin."""
        connection, facts = self.connection(), self.tested.facts
        own = connection.settings.get("base_url") if "base_url" not in facts.settings else None
        return (own or fill_text(facts.base_url, self.values, what="base_url")).rstrip("/")

    @property
    def values(self) -> dict[str, Any]:
        """``settings.NAME`` and ``secret.NAME``."""
        settings = self.tested.settings(self.connection().settings)
        named = {f"settings.{name}": value.rstrip("/") for name, value in settings.items()}
        return named | {f"secret.{name}": value for name, value in self.secrets.items()}

    def path_of(self, heard: Heard) -> str:
        """The path of a request below ``base_url``."""
        return heard.path[len(self.base_url) - len(origin_of(self.base_url)) :]

    def proof(self, heard: Heard) -> Reply | None:
        """The answer to a request for a token or a session; None: it asks for something else."""
        for auth in self.tested.facts.ways:
            found = _token(auth, heard, self.values) or _session(auth, heard, self) or _csrf(auth, heard)
            if found is not None:
                return found
        return None


@contextmanager
def account(connector: Connector, samples: Samples, platform: Platform) -> Iterator[Account]:
    """An account, with made-up secrets in the environment; all requests go to ``platform`` meanwhile."""
    secrets = {name: f"canary-{name}-9f3c7a1e5b".replace("_", "-") for name in samples.secrets}
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        given = {_variable(name): value for name, value in secrets.items()} | {"PULLPUSH_TOKENS": str(root / "tokens")}
        with _environment(given), diverted_to(platform.url):
            yield Account(
                root, root / "data", tested=_unhurried(connector), samples=samples, platform=platform, secrets=secrets
            )


@contextmanager
def _environment(given: Mapping[str, str]) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in given}
    os.environ.update(given)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def _variable(secret: str) -> str:
    return f"CONTRACT_{secret.upper()}"


def _unhurried(connector: Connector) -> Connector:
    """``connector`` for a platform that bears anything, and plays a part: no rate, no waits, and no third try."""
    data = connector.facts.model_dump(by_alias=True, exclude_unset=True)
    data["limits"] = {**data.get("limits", {}), "rate": None, "pause": 0.001, "attempts": 2}
    for entity in data["entities"].values():
        _without_waits(entity.get("push"))
    return Connector(ConnectorFile.model_validate(data))


def _without_waits(part: Any) -> None:
    if isinstance(part, dict):
        if isinstance(part.get("job"), dict):
            part["job"]["every"] = 0.001
        for inner in part.values():
            _without_waits(inner)
    elif isinstance(part, list):
        for inner in part:
            _without_waits(inner)


def _token(auth: Auth, heard: Heard, values: Mapping[str, Any]) -> Reply | None:
    if auth.type != "oauth2" or fill(auth.url, values) != f"{heard.origin}{heard.path}":
        return None
    return Reply({"access_token": TOKEN, "token_type": "Bearer", "expires_in": 3600, "refresh_token": f"{TOKEN}-2"})


def _session(auth: Auth, heard: Heard, of: Account) -> Reply | None:
    login = auth.login
    if login is None:
        return None
    at = fill_text(login.at, of.values, what="auth.login.at") if login.at else of.base_url
    if f"{at.rstrip('/')}{login.path}" != f"{heard.origin}{heard.path}":
        return None
    body: Any = {}
    if login.token is not None:
        put(body, login.token, TOKEN)
    if login.host is not None:
        put(body, login.host, f"https://session.{login.hosts[0]}")
    return Reply(body, headers={"set-cookie": f"SESSION={TOKEN}; HttpOnly"})


def _csrf(auth: Auth, heard: Heard) -> Reply | None:
    asked = auth.csrf is not None and heard.headers.get(auth.csrf.header, "").lower() == "fetch"
    return Reply({}, headers={auth.csrf.header: TOKEN}) if auth.csrf is not None and asked else None


def put(body: Any, path: str, value: Any) -> None:
    """Put ``value`` into ``body``, a JSON object, at ``path``, such as ``body.data.0.name``; its first step is skipped.

    Objects and lists on the way are made. A number in a path is a place in a list, of which only 0 can be made.
    """
    way = steps_of(path)
    for step, following in zip(way, [*way[1:], None], strict=True):
        inner = value if following is None else [None] if following == "0" else {}
        if isinstance(body, list):
            step_ = int(step)
            body[step_] = inner if following is None or body[step_] is None else body[step_]
            body = body[step_]
        else:
            body[step] = inner if following is None else body.get(step) or inner
            body = body[step]


# What the platform gives for the secrets.
TOKEN = "canary-given-4d8e2b6a"  # noqa: S105
