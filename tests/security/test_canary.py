"""Every sync, good and bad, through Dagster, with canaries for secrets; then they are looked for in every place."""

import base64
import contextlib
import json
import logging
import secrets
import traceback
from importlib.resources import files
from itertools import permutations
from urllib.parse import quote, quote_plus

import dagster as dg
import duckdb
import pyarrow as arrow
import pytest
from pyarrow import parquet
from starlette.responses import JSONResponse

from pullpush_dagster.config import Project
from pullpush_dagster.errors import PullPushError
from pullpush_dagster.orchestration.loading import project_definitions
from pullpush_dagster.orchestration.running import run_sync
from pullpush_dagster.sandbox import running
from tests.conftest import fresh_world

# The outlet is of the same kind as the shop.
SYNCS = ("products_to_shop", "stock_to_shop", "orders_to_erp")
# Runs start at once: there is no daemon to take them from a queue.
SETTINGS = """telemetry: {enabled: false}
run_coordinator: {module: dagster._core.run_coordinator, class: DefaultRunCoordinator}
"""

pytestmark = [
    pytest.mark.filterwarnings("ignore::dagster.BetaWarning"),
    pytest.mark.filterwarnings("ignore::dagster.PreviewWarning"),
    pytest.mark.filterwarnings("ignore::dagster.SupersessionWarning"),
]


# What is looked for, and where.


def forms(given):
    """Every look that the secrets of one connection may have in a text or a file."""
    found = set()
    for secret in given:
        found |= {secret, secret[:12], quote(secret, safe=""), quote_plus(secret), json.dumps(secret)[1:-1]}
        found.add(base64.b64encode(secret.encode()).decode())
    return found | {base64.b64encode(f"{one}:{two}".encode()).decode() for one, two in permutations(given, 2)}


def leaks(wanted, places):
    """Names of those ``places`` (name -> bytes) that hold one of the ``wanted`` forms."""
    return sorted(name for name, held in places.items() if any(form.encode() in held for form in wanted))


def texts_of(tables):
    """Every row of every table of a DuckDB file as text, whatever its columns are."""
    with duckdb.connect(str(tables), read_only=True) as con:
        names = [name for (name,) in con.execute("SELECT table_name FROM duckdb_tables()").fetchall()]
        rows = {
            name: con.execute(f'SELECT CAST(to_json(t) AS VARCHAR) FROM "{name}" AS t').fetchall() for name in names
        }
        return {f"table {name}": "\n".join(row for (row,) in found).encode() for name, found in rows.items()}


def bytes_of(folder):
    """Every file below ``folder``, as it lies on the disk, and what is packed in it."""
    files = {str(path.relative_to(folder)): path for path in folder.rglob("*") if path.is_file()}
    packed = {f"{name}, unpacked": path for name, path in files.items() if path.suffix == ".parquet"}
    unpacked = {name: str(parquet.ParquetFile(path).read().to_pylist()).encode() for name, path in packed.items()}
    return {name: path.read_bytes() for name, path in files.items()} | unpacked


# What is done.


def canary(name, platform, seed):
    """A secret with characters that look different in a URL and in JSON."""
    if platform == "odoo":
        return {"key": secrets.token_hex(16) + "+/=&%"}
    return {"key": f"ck_{secrets.token_hex(12)}+/=", "secret": f"cs_{secrets.token_hex(12)}"}


class Ring:
    """All syncs over one project and one Dagster instance, its platforms well or not."""

    def __init__(self, world, platform, home):
        self.world, self.platform, self.home = world, platform, home
        self.told = []
        home.mkdir()
        (home / "dagster.yaml").write_text(SETTINGS)

    def run(self, *syncs):
        """Run each sync; whether it fails is not what is asked here."""
        with dg.DagsterInstance.from_config(str(self.home)) as instance:
            project = Project.at(self.world.project.root)
            definitions = project_definitions(project)
            for sync in syncs:
                run_sync(project, definitions, sync, instance)

    @contextlib.contextmanager
    def broken(self, connection, reply):
        """Let ``connection`` lead to a server that answers with ``reply``, which gets a request and the secrets."""
        standin = getattr(self.world, connection)
        file = self.world.project.root / "resources" / f"{connection}.yaml"
        text = file.read_text()
        self.platform.route(lambda seen: reply(seen, echo(standin.secrets.values())))
        file.write_text(text.replace(standin.url, self.platform.url))
        try:
            yield
        finally:
            file.write_text(text)

    def pull(self, id_):
        """Everything anybody could print of a pull that fails outside Dagster."""
        self.world.project = Project.at(self.world.project.root)
        with pytest.raises(PullPushError) as error:
            self.world.pull(id_)
        self.told += traceback.format_exception(error.value)
        self.told += [repr((one, one.args, vars(one))) for one in (error.value, error.value.__context__) if one]

    def drift(self, seed):
        """Something new for every sync."""
        self.world.erp.control("drift", n=12, seed=seed)
        for shop in (self.world.shop, self.world.outlet):
            shop.control("orders", n=4, seed=seed)


def echo(given):
    """What a talkative platform says of the credentials it was sent."""
    return " and ".join(sorted(forms(given) - {secret[:12] for secret in given}))


def refusal(status):
    """Answers every request with ``status`` and the secrets, in the words of both platforms at once."""
    return lambda _, said: JSONResponse({"code": said, "name": said, "message": f"no: {said}", "debug": said}, status)


def rejected_items(seen, said):
    """A shop that takes the request and refuses every record in it."""
    if seen.method == "GET":
        return JSONResponse([])
    parts = {name: len(rows) for name, rows in json.loads(seen.body).items()}
    refused = {"id": 0, "error": {"code": "no", "message": said, "data": {"said": said}}}
    return JSONResponse({name: [refused] * count for name, count in parts.items()})


def rejected_orders(seen, said):
    """An ERP that has nothing, and refuses what it is sent."""
    return refusal(422)(seen, said) if seen.path.endswith("/create") else JSONResponse([])


def all_syncs(ring):
    """Every sync well, then every way in which a platform repeats what it was sent."""
    ring.drift(1)
    ring.run(*SYNCS)
    ring.drift(2)
    for connection, pull, synced in (
        ("erp", "erp/product", ("stock_to_shop", "orders_to_erp")),
        ("shop", "shop/order", ("products_to_shop",)),
    ):
        for status in (401, 500):
            with ring.broken(connection, refusal(status)):
                ring.pull(pull)
        with ring.broken(connection, refusal(401)):
            ring.run(*synced)
    ring.drift(3)
    with ring.broken("shop", rejected_items):
        ring.run("products_to_shop", "stock_to_shop")
    with ring.broken("erp", rejected_orders):
        ring.run("orders_to_erp")


@pytest.fixture
def trade(tmp_path, monkeypatch):
    """The whole project, whose stand-ins have canaries for secrets."""
    monkeypatch.setattr("pullpush_dagster.sandbox.process.made_up", canary)
    with running({"erp": "odoo", "shop": "woocommerce", "outlet": "woocommerce"}, skus=60, seed=7) as standins:
        yield fresh_world(tmp_path, standins)


@pytest.fixture
def ring(trade, platform, tmp_path, monkeypatch, caplog):
    """The shipped project with orders; nothing is asked twice, so that what fails does so at once."""
    monkeypatch.syspath_prepend(str(trade.project.root))
    monkeypatch.setenv("PULLPUSH_DATA", str(trade.project.state))
    caplog.set_level(logging.DEBUG)
    for name in ("httpx", "httpcore", "asyncio", "dagster"):
        caplog.set_level(logging.DEBUG, name)
    for name in ("odoo", "woocommerce"):
        text = (files("pullpush_dagster.connectors") / f"{name}.yaml").read_text(encoding="utf-8")
        assert "limits: {" in text
        own = trade.project.root / "resources" / "connectors" / f"{name}.yaml"
        own.write_text(text.replace("limits: {", "limits: {attempts: 1, "), encoding="utf-8")
    return Ring(trade, platform, tmp_path / "home")


@pytest.mark.timeout(400)
def test_no_secret_is_anywhere(ring, webserver, caplog, capfd):
    # given
    standins = (ring.world.erp, ring.world.shop, ring.world.outlet)
    wanted = set().union(*(forms(list(one.secrets.values())) for one in standins))
    # when
    all_syncs(ring)
    with webserver(ring.world.project, ring.home) as ask:
        assert ask.launch("products_to_shop") == "SUCCESS"
        with ring.broken("erp", refusal(401)):
            assert ask.launch("products_to_shop") == "FAILURE"
        places = ask.everything()
    # then
    places |= texts_of(ring.world.store.path) | bytes_of(ring.world.project.root)
    printed = capfd.readouterr()
    told = {"log": caplog.text, "stdout": printed.out, "stderr": printed.err, "errors": "".join(ring.told)}
    places |= {name: text.encode() for name, text in told.items()}
    for name in ("errors", "graphql runs", "graphql logs", "table receipts", "table outbox"):
        assert b"<secret>" in places[name] or b"<api_key>" in places[name], f"no echo came to {name}"
    assert leaks(wanted, places) == []


# The search itself.


@pytest.mark.parametrize("form", sorted(forms(["ck_12345678+/abc", "cs_4711&0815%xyz"])))
def test_the_search_finds_every_form_of_a_planted_secret(form):
    assert leaks({form}, {"here": f"told: {form}.".encode(), "there": b"told: nothing"}) == ["here"]


@pytest.mark.parametrize("column", ["VARCHAR", "VARCHAR[]", "STRUCT(a VARCHAR)", "JSON"])
def test_the_search_reads_every_kind_of_column(tmp_path, column):
    values = {"VARCHAR": "x", "VARCHAR[]": ["x"], "STRUCT(a VARCHAR)": {"a": "x"}, "JSON": '{"a": "x"}'}
    planted = json.loads(json.dumps(values[column]).replace("x", "cs_canary"))
    with duckdb.connect(str(tmp_path / "a.duckdb")) as con:
        con.execute(f"CREATE TABLE kept (number BIGINT, text {column})")
        con.execute("INSERT INTO kept VALUES (1, ?)", [planted])
    assert leaks({"cs_canary"}, texts_of(tmp_path / "a.duckdb")) == ["table kept"]


def test_the_search_unpacks_raw_pages(tmp_path):
    parquet.write_table(
        arrow.table({"body": ["[{'a': 'cs_canary'}]"] * 100}), tmp_path / "1.parquet", compression="zstd"
    )
    assert "1.parquet, unpacked" in leaks({"cs_canary"}, bytes_of(tmp_path))


def test_the_search_reads_dagsters_own_files(tmp_path):
    home = tmp_path / "home"
    home.mkdir()
    (home / "dagster.yaml").write_text(SETTINGS)

    @dg.op
    def tell(context):
        context.log.info("cs_canary")

    @dg.job(executor_def=dg.in_process_executor)
    def talkative():
        tell()

    with dg.DagsterInstance.from_config(str(home)) as instance:
        talkative.execute_in_process(instance=instance)
    found = leaks({"cs_canary"}, bytes_of(home))
    assert any(name.startswith("history/runs/") for name in found)
