"""``make demo``, small: it exits 0 only when source and destination agree."""

import os
import re
import socket
import subprocess
import sys

import pytest

from tests.conftest import ROOT


@pytest.fixture
def demo(tmp_path):
    """Runs the demo over a copy of the project whose connections have free ports."""
    import shutil

    for part in ("assets", "resources"):
        shutil.copytree(ROOT / part, tmp_path / part)
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    for name in ("erp", "shop", "outlet"):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        file = tmp_path / "resources" / f"{name}.yaml"
        file.write_text(re.sub(r"127\.0\.0\.1:\d+", f"127.0.0.1:{port}", file.read_text()))

    def run(*arguments):
        environment = {**os.environ, "PULLPUSH_PROJECT": str(tmp_path)}
        command = [sys.executable, "-W", "ignore", "-m", "pullpush_dagster.demo", "--skus", "100", *arguments]
        return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=False)

    return run


@pytest.mark.timeout(150)
def test_the_demo_agrees_and_exits_0(demo):
    ran = demo("--drift", "20")
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "source and destination agree" in ran.stdout
    for column in ("pulled", "quarantined", "changed", "held", "sent", "accepted", "waiting", "skipped", "dead"):
        assert column in ran.stdout
