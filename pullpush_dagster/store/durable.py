"""Files beside the store that must outlive a power cut."""

import os
from pathlib import Path


def sync_names(folder: Path) -> None:
    """Let files that were made in ``folder``, or moved into it, be there after a power cut. Their content is apart."""
    opened = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)


def make_folder(folder: Path) -> None:
    """Let ``folder`` be there, after a power cut too: what is in it would go with its name."""
    if not folder.is_dir():
        folder.mkdir(parents=True, exist_ok=True)
        sync_names(folder.parent)
