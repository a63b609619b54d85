"""The project that benchmarks run: one connection to the judge."""

import os
import shutil
from pathlib import Path

from pullpush_dagster.config import Project


def project_of(folder: Path, url: str, declared: str, connector: str = "judge.yaml") -> Project:
    """A project in ``folder`` whose connection ``judge`` is at ``url``, and whose one defs.yaml is ``declared``.

    ``connector``: the file in this folder that is its connector.
    """
    connectors, asset = folder / "resources" / "connectors", folder / "assets" / "bench"
    os.environ["JUDGE_KEY"] = "it-asks-nobody"
    connectors.mkdir(parents=True)
    asset.mkdir(parents=True)
    shutil.copy(Path(__file__).with_name(connector), connectors / "judge.yaml")
    connection = f"connection: judge\nconnector: judge\nsettings: {{base_url: '{url}'}}\nsecrets: {{key: JUDGE_KEY}}\n"
    (folder / "resources" / "judge.yaml").write_text(connection, encoding="utf-8")
    (asset / "defs.yaml").write_text(declared, encoding="utf-8")
    return Project(folder, folder / "data")
