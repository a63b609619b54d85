"""The judge in the folder PULLPUSH_JUDGE: its server of records to be pushed to, and what it says of what came."""

import json
import os
import shutil
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from benchmarks.serving import started

# Of each key, one after the other.
VERSIONS = 3
NEEDS = "needs PULLPUSH_JUDGE, the judge's folder, and a C compiler"


def can_judge() -> bool:
    """Whether there is what ``judge`` needs."""
    return bool(os.environ.get("PULLPUSH_JUDGE") and shutil.which("cc"))


@contextmanager
def judge(folder: Path, keys: int) -> Iterator[str]:
    """The address of the judge, built in ``folder`` beside its changes: three versions of each of ``keys`` keys.

    Raises:
        ClickException: there is no judge, or no compiler.
    """
    if not can_judge():
        raise click.ClickException(NEEDS)
    for file in Path(os.environ["PULLPUSH_JUDGE"]).iterdir():
        shutil.copyfile(file, folder / file.name)
    subprocess.run(["cc", "-O2", "-o", folder / "mockapi", folder / "mockapi.c"], check=True)
    subprocess.run([sys.executable, folder / "gen.py", str(keys)], check=True, capture_output=True)
    with started([str(folder / "mockapi")], "0", str(keys), str(VERSIONS)) as url:
        yield url


def reset(url: str, faults: str) -> None:
    """Let the judge forget what came, and have these faults from now on."""
    urllib.request.urlopen(urllib.request.Request(f"{url}/_ctl/reset?{faults}", method="POST")).read()


def checked(folder: Path, url: str) -> tuple[str, dict[str, int]]:
    """PASS or FAIL, by the judge's checker, and what it counted."""
    command = [sys.executable, folder / "check_push.py"]
    done = subprocess.run(command, check=False, capture_output=True, text=True, env={**os.environ, "MOCK": url})
    verdict, _, counted = done.stdout.partition(" ")
    return verdict, json.loads(counted)
