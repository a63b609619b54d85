"""Spec files, read once per process."""

import gzip
import json
import os
from functools import lru_cache
from pathlib import Path
from typing import Any

import yaml

# The pure Python loader takes half a minute for the largest of these files.
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def specs_folder() -> Path | None:
    """The folder with the vendors' specs; None: this machine has none, so that nothing can be checked against them."""
    named = os.environ.get("PULLPUSH_SPECS")
    return Path(named) if named else None


def spec_path(name: str) -> Path:
    """The file or folder called ``name`` among the specs. Raises FileNotFoundError: there is none."""
    path = (specs_folder() or Path("PULLPUSH_SPECS-is-not-set")) / name
    if not path.exists():
        raise FileNotFoundError(f"no spec {name!r}: {path} does not exist")
    return path


@lru_cache(maxsize=64)
def document(name: str) -> Any:
    """The parsed content of the JSON or YAML file called ``name``, packed or not. Not to be changed by who gets it."""
    path = spec_path(name)
    raw = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    return yaml.load(raw, Loader=_LOADER) if path.suffix in (".yml", ".yaml") else json.loads(raw)
