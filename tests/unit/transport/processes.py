"""Processes of their own that are told what to do: one JSON line in and one out for each order."""

import json
import select
import subprocess
import sys
from contextlib import suppress


class Process:
    """Runs a script of this folder, which says that it is ready first."""

    def __init__(self, script, *arguments, env=None):
        self.process = subprocess.Popen(
            [sys.executable, script, *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=env
        )

    def ready(self):
        assert self.process.stdout.readline() == "ready\n"

    def tell(self, **order):
        self.process.stdin.write(json.dumps(order) + "\n")
        self.process.stdin.flush()

    def end(self, seconds=None):
        """What the order came to; it is an error if that takes longer than ``seconds``."""
        assert select.select([self.process.stdout], [], [], seconds)[0], "there is no answer"
        return json.loads(self.process.stdout.readline())

    def kill(self):
        self.process.kill()
        self.process.wait()
        with suppress(BrokenPipeError):
            self.process.stdin.close()
        self.process.stdout.close()
