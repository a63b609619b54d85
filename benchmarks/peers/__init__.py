"""Other tools at the same work, each a small script of its own: what they take, beside what we take in the same run."""

from benchmarks.peers.comparing import main

__all__ = ["main"]
