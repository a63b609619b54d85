"""A server of orders on a free port: the judge, where PULLPUSH_JUDGE names its folder, else a stand-in of its form."""

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import click

from benchmarks.orders import judge_page


@contextmanager
def served(url: str, orders: int, folder: Path) -> Iterator[str]:
    """The address of a server with that many orders; ``url`` itself, if there is one. ``folder``: for what is built."""
    if url:
        yield url
        return
    with started(_program(folder), str(orders)) as address:
        yield address


@contextmanager
def started(program: list[str], *arguments: str) -> Iterator[str]:
    """The address of a server program that takes its port first."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [*program, str(port), *arguments]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as server:
        try:
            _wait_for(port)
            yield f"http://127.0.0.1:{port}"
        finally:
            server.kill()


def _program(folder: Path) -> list[str]:
    source, compiler = os.environ.get("PULLPUSH_JUDGE"), shutil.which("cc")
    if not source or not compiler:
        return [sys.executable, "-m", "benchmarks.serving"]
    program = str(folder / "mockapi")
    subprocess.run([compiler, "-O2", "-o", program, str(Path(source) / "mockapi.c")], check=True)
    return [program]


def _wait_for(port: int) -> None:
    for _ in range(1200):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise click.ClickException("the server of orders did not start")


class _StandIn(BaseHTTPRequestHandler):
    """GET /orders?limit=&cursor= as the judge answers it; every page is made once, before the server starts."""

    protocol_version = "HTTP/1.1"
    pages: dict[int, bytes] = {}

    def do_GET(self) -> None:
        """Send the page at the cursor."""
        query = parse_qs(urlsplit(self.path).query)
        body = self.pages.get(int(query.get("cursor", ["0"])[0]), b"{}")
        self.send_response(HTTPStatus.OK)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def stand_in(port: int, orders: int, size: int = 250) -> None:
    """Serve ``orders`` orders until killed."""
    _StandIn.pages = {start: judge_page(start, min(start + size, orders), orders) for start in range(0, orders, size)}
    ThreadingHTTPServer(("127.0.0.1", port), _StandIn).serve_forever()


if __name__ == "__main__":
    stand_in(int(sys.argv[1]), int(sys.argv[2]))
