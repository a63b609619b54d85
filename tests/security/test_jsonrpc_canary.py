"""Over JSON-RPC the key stands in every request's body: it is looked for in every place, however the ERP repeats it."""

import contextlib
import json
import logging
import traceback
from importlib.resources import files

import pytest
from starlette.responses import JSONResponse, Response

from pullpush_dagster.config import Project
from pullpush_dagster.errors import PullPushError
from pullpush_dagster.sandbox import running
from tests.conftest import fresh_world
from tests.security.test_canary import bytes_of, canary, echo, forms, leaks, texts_of

SETTINGS = 'protocol: jsonrpc\n  database: sandbox\n  user: admin\n  base_url: "'


def sealed(said, name="odoo.exceptions.ValidationError"):
    """An error inside, which repeats what it was sent wherever it can."""
    data = {"name": name, "message": f"no: {said}", "arguments": [said], "context": {"key": said}, "debug": said}
    return JSONResponse({"jsonrpc": "2.0", "id": 1, "error": {"code": 200, "message": said, "data": data}})


def proper(result):
    return JSONResponse({"jsonrpc": "2.0", "id": 1, "result": result})


def only(bad):
    """An ERP whose login is well, that has nothing, and answers the rest with what ``bad`` makes of the secrets."""

    def reply(seen, said):
        params = json.loads(seen.body)["params"]
        if params["service"] == "common":
            return proper(2)
        return proper([]) if params["args"][4] == "search_read" else bad(said)

    return reply


BROKEN = {
    "an error inside": lambda seen, said: sealed(said),
    "a refusal inside": lambda seen, said: sealed(said, "odoo.exceptions.AccessDenied"),
    "one that may pass": lambda seen, said: sealed(said, said),
    "a page": lambda seen, said: Response(f"<html>{said}", 500),
    "its own request": lambda seen, said: Response(seen.body),
    "records that are refused": only(sealed),
    "a record's request comes back": only(lambda said: JSONResponse({"said": said}, 400)),
}


@pytest.fixture
def erp_over_jsonrpc(tmp_path, monkeypatch):
    """A whole small world, whose ERP is spoken to over JSON-RPC with a canary for its key; nothing is asked twice."""
    monkeypatch.setattr("pullpush_dagster.sandbox.process.made_up", canary)
    with running({"erp": "odoo", "shop": "woocommerce"}, skus=60, seed=7) as standins:
        world = fresh_world(tmp_path, standins)
        file = world.project.root / "resources" / "erp.yaml"
        file.write_text(file.read_text(encoding="utf-8").replace('base_url: "', SETTINGS), encoding="utf-8")
        built_in = (files("pullpush_dagster.connectors") / "odoo.yaml").read_text(encoding="utf-8")
        own = file.with_name("connectors") / "odoo.yaml"
        own.write_text(built_in.replace("limits: {", "limits: {attempts: 1, "), encoding="utf-8")
        yield world


def told(world, sync):
    """Everything anybody could print of a sync that fails."""
    world.project = Project.at(world.project.root)
    try:
        world.sync(sync, patience=0)
    except PullPushError as error:
        shown = [repr((one, one.args, vars(one))) for one in (error, error.__context__, error.__cause__) if one]
        return "".join([*traceback.format_exception(error), *shown])
    return ""


@contextlib.contextmanager
def answering(world, platform, reply):
    """The ERP's connection leads to a server that answers with ``reply``, which gets a request and the secrets."""
    file, given = world.project.root / "resources" / "erp.yaml", echo(world.erp.secrets.values())
    text = file.read_text(encoding="utf-8")
    platform.route(lambda seen: reply(seen, given))
    file.write_text(text.replace(world.erp.url, platform.url), encoding="utf-8")
    yield
    file.write_text(text, encoding="utf-8")


def test_the_key_is_nowhere(erp_over_jsonrpc, platform, monkeypatch, caplog, capfd):
    # given
    world, found = erp_over_jsonrpc, []
    monkeypatch.setenv("PULLPUSH_DATA", str(world.project.state))
    for name in ("", "httpx", "httpcore", "asyncio"):
        caplog.set_level(logging.DEBUG, name)
    wanted = forms(list(world.erp.secrets.values()))
    # when
    world.shop.control("orders", n=6, seed=2)
    assert [told(world, sync) for sync in ("stock_to_shop", "orders_to_erp")] == ["", ""]
    for number, reply in enumerate(BROKEN.values()):
        world.shop.control("orders", n=3, seed=number)
        with answering(world, platform, reply):
            found += [told(world, "stock_to_shop"), told(world, "orders_to_erp")]
    # then
    assert any("<api_key>" in text for text in found)
    places = texts_of(world.store.path) | bytes_of(world.project.root)
    assert b"<api_key>" in places["table outbox"] + places["table receipts"]
    printed = capfd.readouterr()
    texts = {"log": caplog.text, "stdout": printed.out, "stderr": printed.err, "errors": "".join(found)}
    places |= {name: text.encode() for name, text in texts.items()}
    assert leaks(wanted, places) == []
