"""Starts stand-in platforms as processes and stops them all again."""

import hashlib
import json
import os
import select
import ssl
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

SECRETS = {"key": "SANDBOX_KEY", "secret": "SANDBOX_SECRET"}
START_SECONDS = 30


class Tls(NamedTuple):
    """Files for serving TLS; ``cafile`` is what a caller trusts."""

    certfile: Path
    keyfile: Path
    cafile: Path


@dataclass(frozen=True)
class Standin:
    """One running platform: where it is, what it accepts, and its control routes."""

    platform: str
    url: str
    secrets: Mapping[str, str] = field(repr=False)
    pid: int
    cafile: Path | None = None

    @classmethod
    def at(cls, platform: str, url: str, cafile: Path | None = None) -> "Standin":
        """A stand-in that another process started: its control routes work, its secrets and pid are not known."""
        return cls(platform, url.rstrip("/"), {}, 0, cafile)

    def control(self, command: str, **order: Any) -> dict[str, Any]:
        """What ``POST /_control/<command>`` answers to the given order.

        Raises:
            ValueError: the stand-in refused the command; the message is its reason.
        """
        answer: dict[str, Any] = self._call("POST", command, order)
        return answer

    def reset(self, **world: int) -> dict[str, Any]:
        """Begin again, as newly started: ``skus``, ``seed``; what is left out stays. No faults, nothing counted."""
        return self.control("reset", **world)

    def faults(self, **rules: Any) -> dict[str, Any]:
        """The fault rules now in force; no rules: all off."""
        return self.control("faults", **rules)

    def stats(self) -> dict[str, int]:
        """Requests since the start or ``clear_stats``, by method and path pattern; control calls do not count."""
        counts: dict[str, int] = self._call("GET", "stats")["requests"]
        return counts

    def injected(self) -> dict[str, int]:
        """Faults met by requests since the start or ``clear_stats``, by kind."""
        counts: dict[str, int] = self._call("GET", "stats")["faults"]
        return counts

    def about(self) -> dict[str, Any]:
        """Platform, name, skus, seed, clock, ticking, the fault rules in force and how many rows there are."""
        about: dict[str, Any] = self._call("GET", "about")
        return about

    def clear_stats(self) -> None:
        """Starts both counts again."""
        self._call("DELETE", "stats")

    def state(self) -> dict[str, Any]:
        """Everything the platform holds, as plain JSON values."""
        state: dict[str, Any] = self._call("GET", "state")
        return state

    def _call(self, method: str, path: str, order: Any = None) -> Any:
        body = None if order is None else json.dumps(order).encode()
        request = urllib.request.Request(f"{self.url}/_control/{path}", body, method=method)  # noqa: S310
        context = ssl.create_default_context(cafile=str(self.cafile)) if self.cafile else None
        try:
            with urllib.request.urlopen(request, timeout=60, context=context) as response:  # noqa: S310
                return json.load(response)
        except urllib.error.HTTPError as refusal:
            with refusal:
                raise ValueError(refusal.read().decode()) from None


Sandbox = Mapping[str, Standin]


@contextmanager
def running(
    *platforms: str | Mapping[str, str],
    skus: int = 2000,
    seed: int = 1,
    now: str | None = None,
    tls: Tls | None = None,
    ports: Mapping[str, int] | None = None,
) -> Iterator[Sandbox]:
    """The started stand-ins by name, all stopped on exit.

    Args:
        platforms: platform names (``"odoo"``, ``"woocommerce"``), each its own name in the result; or mappings of
            your names to platforms, for several of one kind: ``{"erp": "odoo", "shop": "woocommerce"}``. Shops of
            different names are seeded differently.
        skus: product rows in the ERP; the shops hold some of the same SKUs.
        seed: same seed, same rows and secrets.
        now: ISO instant at which the seeded past ends; None is the start time.
        tls: serve https with these files.
        ports: where each name listens; a name not in it takes a free port.

    Raises:
        RuntimeError: a stand-in did not start; the message holds what it wrote.
    """
    named = _names(platforms)
    options = ["--skus", str(skus), "--seed", str(seed), *(["--now", now] if now else [])]
    if tls:
        options += ["--certfile", str(tls.certfile), "--keyfile", str(tls.keyfile)]
    with ExitStack() as stack:
        secrets = {name: made_up(name, platform, seed) for name, platform in named.items()}
        started = {}
        for name, kind in named.items():
            own = [*options, "--name", name, "--port", str((ports or {}).get(name, 0))]
            started[name] = stack.enter_context(_process(kind, own, secrets[name]))
        yield {name: _ready(named[name], started[name], secrets[name], tls) for name in named}


def made_up(name: str, platform: str, seed: int) -> dict[str, str]:
    """The secrets of one stand-in, the same for the same name and seed; worthless anywhere else."""
    digest = hashlib.sha256(f"{name}/{platform}/{seed}".encode()).hexdigest()
    if platform == "odoo":
        return {"key": digest[:40]}
    return {"key": f"ck_{digest[:24]}", "secret": f"cs_{digest[24:48]}"}


def _names(platforms: tuple[str | Mapping[str, str], ...]) -> dict[str, str]:
    named: dict[str, str] = {}
    for platform in platforms:
        named |= {platform: platform} if isinstance(platform, str) else platform
    return named


class _Child(NamedTuple):
    process: subprocess.Popen[bytes]
    errors: Any


@contextmanager
def _process(platform: str, options: list[str], secrets: Mapping[str, str]) -> Iterator[_Child]:
    command = [sys.executable, "-m", "pullpush_dagster.sandbox", platform, "--parent", str(os.getpid()), *options]
    environment = {**os.environ, **{SECRETS[name]: value for name, value in secrets.items()}}
    with (
        tempfile.TemporaryFile() as errors,
        subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors, env=environment) as process,  # noqa: S603
    ):
        try:
            yield _Child(process, errors)
        finally:
            _stop(process)


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(timeout=5)
    except subprocess.TimeoutExpired:
        process.kill()


def _ready(platform: str, child: _Child, secrets: Mapping[str, str], tls: Tls | None) -> Standin:
    """The stand-in once it has announced its port."""
    stdout = child.process.stdout
    assert stdout is not None  # noqa: S101
    deadline = time.monotonic() + START_SECONDS
    line = stdout.readline() if select.select([stdout], [], [], deadline - time.monotonic())[0] else b""
    if not line:
        child.errors.seek(0)
        raise RuntimeError(f"the {platform} stand-in did not start: {child.errors.read().decode(errors='replace')}")
    host = "https://127.0.0.1" if tls else "http://127.0.0.1"
    url = f"{host}:{json.loads(line)['port']}"
    return Standin(platform, url, secrets, child.process.pid, tls.cafile if tls else None)
