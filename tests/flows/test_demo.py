"""``make demo``, small: it exits 0 only when source and destination agree."""

import os
import re
import socket
import subprocess
import sys

import pytest

from tests.conftest import ROOT, copy_assets


@pytest.fixture
def demo(tmp_path):
    """Runs the demo over a copy of the project whose connections have free ports."""
    import shutil

    copy_assets(tmp_path)
    shutil.copytree(ROOT / "resources", tmp_path / "resources")
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

    run.port = port
    run.state = tmp_path / "data" / "demo"
    return run


@pytest.mark.timeout(150)
def test_the_demo_agrees_and_exits_0(demo):
    ran = demo("--drift", "20")
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "source and destination agree" in ran.stdout
    for column in ("pulled", "quarantined", "changed", "held", "sent", "accepted", "waiting", "skipped", "dead"):
        assert column in ran.stdout


def test_a_port_in_use_is_one_sentence_and_leaves_the_last_demo_alone(demo):
    demo.state.mkdir(parents=True)
    with socket.create_server(("127.0.0.1", demo.port)):
        ran = demo()
    said = f"port {demo.port} on 127.0.0.1, for connection outlet, is in use; nothing was started\n"
    assert (ran.returncode, ran.stderr) == (1, said)
    assert demo.state.exists()
