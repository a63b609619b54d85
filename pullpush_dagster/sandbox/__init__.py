"""Stand-in platforms for the demo and the tests: real HTTP servers that behave as the real ones were seen to.

Each platform runs as a process of its own, holds its state in memory and is deterministic from a seed.
``running`` starts and stops them; ``/_control`` steers them; nothing here is meant to face a network.
"""

from pullpush_dagster.sandbox.process import Sandbox, Standin, Tls, running

__all__ = ["Sandbox", "Standin", "Tls", "running"]
