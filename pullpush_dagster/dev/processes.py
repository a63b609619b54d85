"""``dagster dev`` as a process group that is started, watched and stopped whole."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from pullpush_dagster.errors import ConfigError, HaltError

_STOP_SECONDS = 10.0
_LOG_LINES = 15
PACKAGED = Path(__file__).parents[2]


def require_free(ports: Mapping[str, int]) -> None:
    """Raises ConfigError naming the first of ``ports`` (whose -> number) that something listens on already."""
    for whose, port in ports.items():
        with socket.socket() as trial:
            trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                trial.bind(("127.0.0.1", port))
            except OSError:
                raise ConfigError(f"port {port} on 127.0.0.1, for {whose}, is in use; nothing was started") from None


def fresh(state: Path, home: Path, settings: Path) -> None:
    """Empty both folders, and copy ``settings`` (a dagster.yaml) into ``home``."""
    for folder in (state, home):
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
    shutil.copy(settings, home / "dagster.yaml")


@contextmanager
def dagster_dev(home: Path, port: int, workspace: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A running ``dagster dev``, with its state and its log in ``home``; on exit all its processes are gone."""
    command = [str(Path(sys.executable).parent / "dagster"), "dev", "-w", str(workspace)]
    command += ["-h", "127.0.0.1", "-p", str(port)]
    environment = {**os.environ, "DAGSTER_HOME": str(home), "PYTHONWARNINGS": "ignore"}
    with (
        log_of(home).open("wb") as log,
        # A group of its own: Ctrl-C in the terminal reaches only us, and we stop all of it in order.
        subprocess.Popen(  # noqa: S603
            command, env=environment, stdout=log, stderr=log, stdin=subprocess.DEVNULL, start_new_session=True
        ) as process,
    ):
        try:
            yield process
        finally:
            stop_group(process)


def log_of(home: Path) -> Path:
    """Where ``dagster dev`` writes."""
    return home / "dagster-dev.log"


def require_alive(process: subprocess.Popen[bytes], home: Path) -> None:
    """Raises HaltError, with the end of its log, when ``dagster dev`` has ended by itself."""
    if process.poll() is not None:
        lines = log_of(home).read_text(encoding="utf-8", errors="replace").splitlines()[-_LOG_LINES:]
        raise HaltError("dagster dev ended by itself:\n" + "\n".join(lines))


def stop_group(process: subprocess.Popen[bytes], seconds: float = _STOP_SECONDS) -> None:
    """End every process of the group that ``process`` leads: asked first, then killed."""
    for sign in (signal.SIGTERM, signal.SIGKILL):
        with suppress(ProcessLookupError):
            os.killpg(process.pid, sign)
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            process.poll()
            if not _group_lives(process.pid):
                return
            time.sleep(0.1)


def _group_lives(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
