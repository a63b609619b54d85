"""A copy of the project whose connections have free ports, and `make dev` over it."""

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from tests.conftest import ROOT


def free_port() -> int:
    """A port that nothing listens on."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def copy_project(folder: Path) -> Path:
    """The shipped project in ``folder``, every connection on a free port of its own."""
    for part in ("assets", "resources"):
        shutil.copytree(ROOT / part, folder / part, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", folder)
    for file in (folder / "resources").glob("*.yaml"):
        file.write_text(re.sub(r"127\.0\.0\.1:\d+", f"127.0.0.1:{free_port()}", file.read_text()))
    return folder


@dataclass
class Running:
    """A started command over a project, and the lines it has said so far."""

    project: Path
    log: Path
    process: "subprocess.Popen[bytes]"
    port: int = field(default_factory=free_port)

    def said(self) -> str:
        """What it has printed."""
        return self.log.read_text(encoding="utf-8")

    def wait_for(self, text: str, seconds: float = 150) -> str:
        """What it has printed, once ``text`` is in it."""
        deadline = time.monotonic() + seconds
        while text not in self.said():
            assert self.process.poll() is None, self.said()
            assert time.monotonic() < deadline, self.said()
            time.sleep(0.2)
        return self.said()

    def processes(self) -> list[int]:
        """Every living process that was started over this project."""
        found = []
        for folder in Path("/proc").glob("[0-9]*"):
            try:
                if str(self.project).encode() in (folder / "environ").read_bytes():
                    found.append(int(folder.name))
            except OSError:
                continue
        return found

    def left(self, seconds: float = 10.0) -> list[int]:
        """Processes that are still there so long after the end; a stand-in sees by itself that it was left alone."""
        until = time.monotonic() + seconds
        while self.processes() and time.monotonic() < until:
            time.sleep(0.05)
        return self.processes()

    def stop(self, sign: int = signal.SIGTERM) -> int:
        """Its exit code after the signal."""
        if self.process.poll() is None:
            self.process.send_signal(sign)
        return self.process.wait(timeout=40)


@pytest.fixture(scope="module")
def start(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., Running]]:
    """Starts a module of the package over a project of its own; whatever still runs at the end is stopped."""
    started: list[Running] = []

    def start(*arguments: str, project: Path | None = None, port: int | None = None) -> Running:
        folder = project or copy_project(tmp_path_factory.mktemp("project"))
        log = tmp_path_factory.mktemp("log") / "said.txt"
        own = {"PULLPUSH_PROJECT": str(folder), "PORT": str(port or free_port())}
        command = [sys.executable, "-m", *arguments]
        with log.open("wb") as file:
            process = subprocess.Popen(command, env={**os.environ, **own}, stdout=file, stderr=file, cwd=log.parent)
        started.append(Running(folder, log, process, int(own["PORT"])))
        return started[-1]

    yield start
    for one in started:
        one.stop()
