"""Blocks of the store's file that a process died in the middle of writing.

DuckDB (1.5.5) writes a block of metadata over itself: what is new goes into parts of it that the last commit's header
does not refer to, and all others stay as they are, byte for byte. Who is killed within such a write leaves pages of
both versions, in which every part that counts is whole, and the checksum over all of it is not: DuckDB would refuse
the file for ever. Seen once in some hundreds of kills of a process that does nothing but commit.
"""

import os
import re
from pathlib import Path

import numpy as np

_HEADERS, _BLOCK = 12_288, 262_144
_CORRUPT = re.compile(r"computed checksum \d+ does not match stored checksum \d+ in block at location (\d+)")
# DuckDB's checksum: each word by this factor, all of them and this seed by exclusive or.
_FACTOR, _SEED = np.uint64(0xBF58476D1CE4E5B9), 5381


def place_of_block(block: int) -> int:
    """Where in the file the block of that number begins, in bytes."""
    return _HEADERS + block * _BLOCK


def torn_at(error: Exception) -> int | None:
    """Where the block begins that DuckDB says has another checksum than it should; None: it says something else."""
    found = _CORRUPT.search(str(error))
    return int(found[1]) if found else None


def mend(path: Path, at: int) -> bool:
    """Give the block that begins at ``at`` the checksum of what it holds; whether it had another one.

    Only for a block of metadata, of a file whose last user died, and that nobody has open.
    """
    with path.open("r+b") as file:
        file.seek(at)
        words = np.frombuffer(file.read(_BLOCK), dtype="<u8")
        if len(words) * 8 < _BLOCK:
            return False
        checksum = int(np.bitwise_xor.reduce(words[1:] * _FACTOR)) ^ _SEED
        if checksum == int(words[0]):
            return False
        file.seek(at)
        file.write(checksum.to_bytes(8, "little"))
        file.flush()
        os.fsync(file.fileno())
    return True
