"""Files that say what cannot be: one line names file, line and key, nothing runs, and mended files work at once."""

import re
import shutil
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

import pytest
from click.testing import CliRunner

from pullpush_dagster.cli import main
from pullpush_dagster.config import Project
from pullpush_dagster.errors import ConfigError
from pullpush_dagster.orchestration.loading import project_definitions

ROOT = Path(__file__).parents[2]
ERP, SHOP = "resources/erp.yaml", "resources/shop.yaml"
STOCK, ORDERS = "assets/stock/defs.yaml", "assets/orders/defs.yaml"
OUTLET_DAYS = "connection: outlet\n  entity: order\n  every: 5m\n  partitions: {by: day, start: 2026-10-01}"


@dataclass(frozen=True)
class Fault:
    """One edit of one file: the first ``before`` becomes ``after``; ``told`` is how the only complaint begins."""

    file: str
    before: str
    after: str
    told: str


FAULTS = {
    "wrong YAML": Fault(ERP, "secrets: {", "secrets: [{", "erp.yaml:7 expected ',' or ']'"),
    "a tab": Fault(STOCK, "  every:", "\tevery:", "defs.yaml:5 found character '\\t' that cannot start any token"),
    "a key twice": Fault(STOCK, "  every: 5m\n", "  every: 5m\n  every: 6m\n", "defs.yaml:6 every: is here twice"),
    "a list": Fault(SHOP, "connection: shop", "- shop\n---\nconnection: shop", "shop.yaml:1 must be keys with values"),
    "an unknown key": Fault(STOCK, "every:", "evry:", "defs.yaml:5 evry: is not known here; allowed: connection, en"),
    "an unknown connector": Fault(
        ERP, "odoo", "oddo", "erp.yaml:2 connector: there is no connector 'oddo'; there are "
    ),
    "days where nothing filters": Fault(
        STOCK, "{by: locationId, values: [WH, STORE]}", "{by: day, start: 2026-10-01}",
        "defs.yaml:6 partitions.by: day needs a filter by modified stamp, which this platform has not; use a scope",
    ),
    "two pulls of one name": Fault(
        STOCK, "---\n", "---\ntype: pullpush_dagster.Pull\nattributes:\n  connection: shop\n  entity: order\n"
        "  partitions: {by: day, start: 2026-10-01}\n---\n",
        "defs.yaml:10 connection: there are two pulls shop/order; give one `as: NAME`",
    ),
    "a push without its source": Fault(
        STOCK, "from: erp/stocklevel", "from: erp/stock", "defs.yaml:11 from: erp/stock is not a pull; there are "
    ),
    "a push to nowhere": Fault(STOCK, "to: shop", "to: shpo", "defs.yaml:12 to: shpo is no connection; there are "),
    "pulls cut up differently": Fault(
        ORDERS, OUTLET_DAYS, OUTLET_DAYS.replace("2026-10", "2026-09"),
        "defs.yaml:18 from: shop/order, outlet/order have different partitions; one run needs the same for all",
    ),
    "a pull cut up and one not": Fault(
        ORDERS, OUTLET_DAYS, "connection: outlet\n  entity: order\n  every: 5m",
        "defs.yaml:17 from: shop/order, outlet/order have different partitions; one run needs the same for all",
    ),
    "affects no field": Fault(
        ORDERS, "lineItems.sku", "lineItems.ean", "defs.yaml:20 affects: lineItems.ean is no part of a list of order"
    ),
    "affects no entity": Fault(
        ORDERS, "stocklevel by", "stock by", "defs.yaml:20 affects: stock is no entity with sku in its key"
    ),
    "full where all is asked anyway": Fault(
        STOCK, "every: 5m", "full: 1d",
        "defs.yaml:5 full: is for pulls that follow a modified stamp; this one always asks for everything",
    ),
    "a secret in settings": Fault(
        ERP, "guest_partner:", "api_key: hunter2-canary  #",
        "erp.yaml:5 settings.api_key: looks like a secret: name its environment variable under secrets",
    ),
    "a secret in secrets": Fault(
        ERP, "ERP_API_KEY", "hunter2-canary", "erp.yaml:6 secrets.api_key: must be the NAME of an environment variable"
    ),
    "a secret in capitals": Fault(
        ERP, "ERP_API_KEY", "HUNTER2CANARY0815", "erp.yaml:6 secrets.api_key: must be the NAME of an environment var"
    ),
    "a password in a URL": Fault(
        ERP, "http://127", "http://me:hunter2-canary@127", "erp.yaml:4 settings.base_url: has a user or password in it"
    ),
    "a secret in a URL's query": Fault(
        ERP, ":18069", ":18069/?api_key=hunter2-canary", "erp.yaml:4 settings.base_url: has a secret in its query"
    ),
}  # fmt: skip


@dataclass(frozen=True)
class Folder:
    """A copy of the shipped project on which ``pullpush`` runs."""

    project: Project

    def edit(self, fault):
        path = self.project.root / fault.file
        text = path.read_text()
        assert fault.before in text
        path.write_text(text.replace(fault.before, fault.after, 1))

    def mend(self):
        for part in ("assets", "resources"):
            shutil.copytree(ROOT / part, self.project.root / part, dirs_exist_ok=True)

    def problems(self):
        return Project.at(self.project.root).problems()

    def check(self):
        return CliRunner().invoke(main, ["check"])


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("PULLPUSH_PROJECT", str(tmp_path))
    monkeypatch.setenv("PULLPUSH_DATA", str(tmp_path / "data"))
    made = Folder(Project.at(tmp_path))
    made.mend()
    return made


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_a_fault_is_one_line_with_file_line_and_key(folder, fault):
    folder.edit(fault)
    (problem,) = folder.problems()
    assert problem.startswith(f"{fault.file.rpartition('/')[0]}/{fault.told}")
    assert not re.search("hunter2", problem, re.IGNORECASE)


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_check_prints_that_line_and_fails_without_a_traceback(folder, fault):
    folder.edit(fault)
    told = folder.check()
    assert (told.exit_code, told.stdout.splitlines(), told.stderr) == (1, folder.problems(), "")
    assert isinstance(told.exception, SystemExit)


def test_definitions_with_a_fault_do_not_load_and_store_nothing(folder):
    folder.edit(FAULTS["a push to nowhere"])
    with pytest.raises(ConfigError) as refusal:
        project_definitions(folder.project)
    assert str(refusal.value).strip().splitlines() == folder.problems()
    assert not folder.project.state.exists()


def test_mended_files_work_at_once(folder):
    folder.edit(FAULTS["wrong YAML"])
    folder.mend()
    told = folder.check()
    assert (told.exit_code, told.stdout) == (0, "all is well: 3 connections, 4 pulls, 5 syncs\n")


def test_every_fault_is_told_not_just_the_first(folder):
    for name in ("a push to nowhere", "affects no field", "an unknown connector"):
        folder.edit(FAULTS[name])
    assert len(folder.check().stdout.splitlines()) == 3


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        ('token: "{secret.api_key}"', "token: hunter2-canary", "odoo.yaml:12 auth: must have its credentials from {s"),
        ("X-Odoo-Database: ", "X-Token: hunter2-canary, Y: ", "odoo.yaml:13 headers.X-Token: must have its"),
    ],
)
def test_a_secret_in_a_connector_of_the_projects_own_is_refused(folder, before, after, told):
    text = (files("pullpush_dagster.connectors") / "odoo.yaml").read_text(encoding="utf-8")
    assert before in text
    (folder.project.root / "resources" / "connectors" / "odoo.yaml").write_text(text.replace(before, after))
    (problem,) = folder.problems()
    assert problem.startswith(f"resources/erp.yaml:2 connector: {told}")
    assert "hunter2" not in problem
