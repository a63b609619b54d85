"""``python -m pullpush_dagster.dev``: the sandbox, ``dagster dev`` over it, and things that change, until Ctrl-C."""

import os
import signal
import subprocess
import time
import urllib.error
import urllib.request
import warnings
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import click

from pullpush_dagster.config import Project
from pullpush_dagster.dev.firsts import first_syncs
from pullpush_dagster.dev.processes import PACKAGED, dagster_dev, fresh, log_of, require_alive, require_free
from pullpush_dagster.dev.standins import platforms_of, ports_of, set_secrets
from pullpush_dagster.errors import ConfigError, HaltError, PullPushError
from pullpush_dagster.sandbox import Sandbox, running
from pullpush_dagster.sandbox.server import LEAST_SKUS
from pullpush_dagster.telling import told

_START_SECONDS = 120.0
_ENDS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--port", default=3000, show_default=True, envvar="PORT", help="Port of the web UI.")
@click.option("--skus", default=2000, show_default=True, type=click.IntRange(LEAST_SKUS), help="Products of the ERP.")
@click.option("--seed", default=1, show_default=True, help="Same seed, same data.")
@click.option("--every", default=10.0, show_default=True, help="Seconds between edits and orders; 0: none.")
@click.option("--edits", default=3, show_default=True, type=click.IntRange(1), help="How many each time.")
@told
def main(port: int, skus: int, seed: int, every: float, edits: int) -> None:
    """Run a living system on this machine until Ctrl-C: stand-in platforms, Dagster, and drift.

    It has a state of its own, which is new at each start.
    """
    started = time.monotonic()
    found = Project.find()
    os.environ["PULLPUSH_DATA"] = str(found.root / "data" / "dev")
    project, home = Project.find(), found.root / ".dagster" / "dev"
    if problems := project.problems():
        raise HaltError("\n".join(problems))
    if not any(push.mode == "live" for push in project.pushes.values()):
        raise ConfigError("no sync says mode: live, so nothing would be sent; no stand-in is a real account")
    ports = ports_of(project)
    require_free({"the web UI (say --port or PORT=)": port, **{f"connection {n}": p for n, p in ports.items()}})
    fresh(project.state, home, _file(found.root, "dagster.yaml"))
    for sign in _ENDS:
        signal.signal(sign, _interrupt)
    click.echo(f"starting {len(ports)} stand-ins and Dagster; its log is {log_of(home)}")
    with suppress(KeyboardInterrupt), running(platforms_of(project), skus=skus, seed=seed, ports=ports) as sandbox:
        set_secrets(project, sandbox)
        with dagster_dev(home, port, _file(found.root, "workspace.yaml")) as process:
            _live(project, sandbox, process, _Run(home, port, started, every, edits))
    click.echo("stopped")


class _Run:
    """What was asked for, and how long it has run."""

    def __init__(self, home: Path, port: int, started: float, every: float, edits: int) -> None:
        self.home, self.port, self.every, self.edits = home, port, every, edits
        self._started = started

    def say(self, text: str) -> None:
        click.echo(f"{time.monotonic() - self._started:4.0f} s  {text}")


def _live(project: Project, sandbox: Sandbox, process: "subprocess.Popen[bytes]", run: _Run) -> None:
    """Say what there is as it comes up, let it drift, and wait for Ctrl-C."""
    address = f"http://127.0.0.1:{run.port}"
    _until(lambda: _answers(address), process, run, "the web server did not come up")
    run.say(f"the web UI answers at {address}")
    click.echo(_welcome(project, address))
    _first_round(project, process, run)
    if run.every:
        for standin in sandbox.values():
            standin.control("ticking", every=run.every, n=run.edits)
        what = f"{run.edits} edits in the ERP, and {run.edits} orders in each shop, new or moved on"
        run.say(f"from now on, every {run.every:g} s: {what}")
    while True:
        time.sleep(1)
        require_alive(process, run.home)


def _first_round(project: Project, process: "subprocess.Popen[bytes]", run: _Run) -> None:
    """Say of each sync when its first run is through; the sensor launches them, not we."""
    shown: set[str] = set()
    while True:
        require_alive(process, run.home)
        with suppress(PullPushError):
            found = first_syncs(project)
            for one in found:
                if one.done and one.push not in shown:
                    shown.add(one.push)
                    run.say(one.told())
            if all(one.done for one in found):
                break
        time.sleep(1)
    left = sum(one.counts.dead + one.counts.waiting for one in found)
    agree = "shops and ERP agree" if not left else f"shops and ERP agree, but for {left} records (`pullpush status`)"
    run.say(f"the first syncs have all run: {agree}")


def _until(condition: Callable[[], bool], process: "subprocess.Popen[bytes]", run: _Run, otherwise: str) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while not condition():
        require_alive(process, run.home)
        if time.monotonic() > deadline:
            raise HaltError(f"{otherwise}: see {log_of(run.home)}")
        time.sleep(0.3)


def _answers(address: str) -> bool:
    try:
        with urllib.request.urlopen(f"{address}/server_info", timeout=5) as answer:  # noqa: S310
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False


_WELCOME = """
  Look first at   {address}/locations/pullpush_dagster/asset-groups/{group}/lineage

  Try, in another terminal, in {root}:
    . .venv/bin/activate; export PULLPUSH_DATA={state}
    pullpush status                       # how every sync stands
    pullpush explain {sync} {key}         # all that is known of one key, from what was pulled to what came back
    pullpush sandbox show                 # size, seed, drift and faults of the stand-ins
    pullpush sandbox faults {shop} error_before=0.5   # half of the requests to it fail: see them retried; then `off`
    pullpush sandbox drift --now 50       # fifty edits in the ERP at once
    pullpush sandbox orders 20            # twenty orders in each shop
  Ctrl-C stops everything.
"""


def _welcome(project: Project, address: str) -> str:
    """The address, where to look first, and what to try."""
    live = [push for push in project.pushes.values() if push.mode == "live"]
    push = next((one for one in live if project.entity_of(one).name == "stocklevel"), live[0])
    shops = [name for name, connection in project.connections.items() if connection.connector != "odoo"]
    return _WELCOME.format(
        address=address, group=project.entity_of(push).name, root=project.root, state=project.state,
        sync=push.name, key="SKU-00002", shop=shops[0] if shops else "shop",
    )  # fmt: skip


def _file(root: Path, name: str) -> Path:
    """A file of the project, or the one this package's own project has."""
    return root / name if (root / name).exists() else PACKAGED / name


def _interrupt(*_: object) -> None:
    """End, once: a second Ctrl-C must not end the ending, and leave processes behind that nobody stops."""
    for sign in _ENDS:
        signal.signal(sign, signal.SIG_IGN)
    raise KeyboardInterrupt


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    main()
