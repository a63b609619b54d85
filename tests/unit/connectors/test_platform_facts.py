"""What a connector file says of a platform, its entities and what it cannot do is checked when it is read."""

import pytest
import yaml

from pullpush_dagster.connectors import load_connector
from pullpush_dagster.errors import ConfigError

STOCK = {
    "pull": {"get": "/items", "pages": {"style": "none"}},
    "canonical_map": {"sku": "item.sku", "locationId": {"value": "WH"}, "quantity": "item.q"},
    "binding": {"id": "item.id", "also": {"item": "item.itemId"}},
    "push": {"update": [{"put": "/items/{binding.item}", "record": {"q": "{quantity}"}}]},
}
FACTS = {
    "connector": "acme",
    "title": "Acme",
    "docs": "Acme API 2",
    "base_url": "{settings.host}",
    "settings": ["host"],
    "optional_settings": ["version"],
    "defaults": {"version": "v1"},
    "secrets": ["key"],
    "optional_secrets": ["other"],
    "auth": {"type": "bearer", "token": "{secret.key}"},
    "entities": {"stocklevel": STOCK},
}


@pytest.fixture
def load(tmp_path):
    """Loads the facts with some parts replaced, of the whole or (``stock``) of its one entity."""

    def write_and_load(stock=None, **parts):
        facts = {**FACTS, "entities": {"stocklevel": {**STOCK, **(stock or {})}}, **parts}
        (tmp_path / "acme.yaml").write_text(yaml.safe_dump(facts, sort_keys=False))
        return load_connector("acme", tmp_path)

    return write_and_load


@pytest.fixture
def refused(load):
    """The complaints, without file and line."""

    def complaints(**parts):
        with pytest.raises(ConfigError) as refusal:
            load(**parts)
        return [line.partition(" ")[2] for line in str(refusal.value).splitlines()]

    return complaints


def pull(**parts):
    return {"pull": {**STOCK["pull"], **parts}}


def push(**parts):
    return {"push": {**STOCK["push"], **parts}}


def oauth2(**parts):
    return {
        "type": "oauth2",
        "url": "{settings.host}/token",
        "client_id": "a",
        "client_secret": "{secret.key}",
        **parts,
    }


def test_a_good_file_is_a_connector(load):
    assert load().settings({"host": "h"}) == {"version": "v1", "host": "h"}
    assert load().settings({"version": "v2"}) == {"version": "v2"}


# The platform.


@pytest.mark.parametrize(
    "auth",
    [
        {"type": "none"},
        oauth2(),
        oauth2(refresh_token="{secret.other}", scope="all", credentials="body"),
        [{"type": "header", "header": "X", "token": "{secret.other}"}, {"type": "bearer", "token": "{secret.key}"}],
        {"type": "login", "login": {"post": "/login", "json": {"password": "{secret.key}"}}},
        {"type": "basic", "user": "{settings.version}", "password": "{secret.key}", "csrf": {"get": "/token"}},
    ],
    ids=["none", "oauth2", "refresh", "several", "login", "csrf"],
)
def test_every_way_to_prove_who_we_are_is_one(load, auth):
    assert load(auth=auth).facts.ways


@pytest.mark.parametrize(
    ("auth", "complaint"),
    [
        (oauth2(client_secret="literal"), "auth: must have its credentials from {secret.NAME}"),
        (oauth2(refresh_token="{secret.none}"), "auth: {secret.none} is not known here"),
        (oauth2(grant="x"), "auth"),
        ([{"type": "bearer", "token": "x"}, {"type": "bearer", "token": "{secret.key}"}], "auth: must have its"),
        ({"type": "login", "login": {"post": "/l", "json": {"p": "word"}}}, "auth: must have its credentials"),
        ({"type": "login", "login": {"post": "/l", "json": {"p": "{secret.nokey}"}}}, "auth.login: {secret.nokey} is"),
        ({"type": "login", "login": {"json": {"p": "{secret.key}"}}}, "auth"),
        ({"type": "digest"}, "auth"),
    ],
)
def test_a_way_that_cannot_be_is_refused_with_its_key(refused, auth, complaint):
    assert any(line.startswith(complaint) for line in refused(auth=auth))


def test_credentials_that_are_written_down_are_not_repeated(refused):
    assert not [line for line in refused(auth=oauth2(client_secret="hunter2-literal")) if "hunter2" in line]


@pytest.mark.parametrize(
    ("parts", "complaint"),
    [
        ({"defaults": {"host": "h"}}, "defaults.host: is not one of optional_settings"),
        ({"account": ["host"]}, "account.host: is not one of optional_settings"),
        ({"base_url": "{settings.none}"}, "base_url: {settings.none} is not known here"),
        ({"headers": {"X-Api-Key": "literal"}}, "headers.X-Api-Key: must have its credentials"),
        ({"headers": {"X": "{secret.none}"}}, "headers: {secret.none} is not known here"),
        ({"limits": {"cost": {"asked": "body.a"}}}, "limits.cost.left"),
        ({"limits": {"reset_in": "min"}}, "limits.reset_in"),
        ({"limits": {"pause": 0}}, "limits.pause"),
        ({"errors": {"cod": "body.x"}}, "errors.cod"),
    ],
)
def test_facts_of_a_platform_that_cannot_be_are_refused(refused, parts, complaint):
    assert any(line.startswith(complaint) for line in refused(**parts))


@pytest.mark.parametrize("header", ["{secret.other}", "{secret.key}"])
def test_a_header_may_have_any_secret_also_an_optional_one(load, header):
    assert load(headers={"X-Token": header}).facts.headers == {"X-Token": header}


@pytest.mark.parametrize(("given", "paths"), [("body.a", ["body.a"]), (["body.a", "body.b"], ["body.a", "body.b"])])
def test_an_error_is_told_at_one_path_or_several(load, given, paths):
    assert load(errors={"code": given}).facts.errors.code == paths


# Pulls.


@pytest.mark.parametrize(
    ("stock", "complaint"),
    [
        (
            pull(rows="item.rows") | {"binding": {"id": "row.id"}},
            "entities.stocklevel.pull.record: is required with rows",
        ),
        ({"sum": ["amount"]}, "entities.stocklevel.sum: amount is not one of quantity"),
        (
            pull(since={"format": "epoch", "operator": "from"}) | {"sum": ["quantity"]},
            "entities.stocklevel.pull.since: goes without sum",
        ),
        (pull(query={"x": "{nowhere}"}), "entities.stocklevel.pull: {nowhere} is not known here"),
        (pull(texts={"q": {"of": ["{nowhere}"]}}), "entities.stocklevel.pull: {nowhere} is not known here"),
        (pull(whole={"more": "false"}), "entities.stocklevel.pull.whole"),
        (pull(rows="rows"), "entities.stocklevel.pull.rows"),
        (pull(since={"format": "epoch"}), "entities.stocklevel.pull.since.operator"),
        (
            {"binding": {"id": "item.id", "shares": "product"}},
            "entities.stocklevel.binding.shares: is not one of stocklevel",
        ),
        ({"live": {"live": "x"}}, "entities.stocklevel.live"),
    ],
)
def test_facts_of_an_entity_that_cannot_be_are_refused(refused, stock, complaint):
    assert any(line.startswith(complaint) for line in refused(stock=stock))


def test_rows_told_apart_by_their_record_are_fine(load):
    stock = pull(rows="item.rows", record="item.id") | {"binding": {"id": "row.id"}, "push": None}
    assert load(stock=stock).ask_of("stocklevel").ids == ("item.id",)
    assert load(stock=stock).shape("stocklevel").rows == "item.rows"


@pytest.mark.parametrize("times", [{"form": "epoch"}, None])
def test_an_entity_may_write_times_in_a_form_of_its_own(load, times):
    found = load(stock={"times": times}, times={"form": "odata"})
    assert found.shape("stocklevel").times.form == found.ask_of("stocklevel").times.form
    assert found.shape("stocklevel").times.form == (times or {"form": "odata"})["form"]


# What a platform cannot do.


@pytest.mark.parametrize(
    ("stock", "ask", "says"),
    [
        ({"pull": None, "refused": {"pull": "Acme tells no stock"}}, "pull", "^Acme tells no stock"),
        ({"pull": None}, "pull", "acme cannot be asked for its stocklevel"),
        ({"push": None, "refused": {"push": "Acme takes no stock"}}, "push", "^Acme takes no stock"),
        ({"push": None}, "push", "acme cannot be sent a stocklevel"),
        ({"pull": None, "refused": {"pull": "Acme tells no stock"}}, "ask_of", "^Acme tells no stock"),
        ({"pull": None, "refused": {"pull": "Acme tells no stock"}}, "shape", "^Acme tells no stock"),
    ],
)
def test_what_a_platform_cannot_do_is_refused_with_the_reason(load, stock, ask, says):
    with pytest.raises(ConfigError, match=says):
        getattr(load(stock=stock), ask)("stocklevel")


def test_what_a_platform_cannot_do_one_way_it_may_do_the_other(load):
    found = load(stock={"pull": None, "refused": {"pull": "Acme tells no stock"}})
    assert found.push("stocklevel").update
    assert not found.reads_back("stocklevel")


# Pushes.

WRITE = {"post": "/items", "record": {"q": "{quantity}"}}


@pytest.mark.parametrize(
    ("stock", "complaint"),
    [
        ({"push": {}}, "entities.stocklevel.push: needs update or upsert, or create with create_only"),
        ({"push": {"create": WRITE}}, "entities.stocklevel.push: needs update or upsert, or create with"),
        ({"push": {"upsert": WRITE, "update": [WRITE]}}, "entities.stocklevel.push: upsert is both create and update"),
        (push(now={"rev": "item.rev"}), "entities.stocklevel.push.now: needs read"),
        (
            push(also={"x": {"of": "price", "values": {}}}),
            "entities.stocklevel.push: price is not a field of stocklevel",
        ),
        (push(scale={"price": 100}), "entities.stocklevel.push: price is not a field of stocklevel"),
        (push(lists={"quantity": {}}), "entities.stocklevel.push.lists.quantity: is no list of stocklevel"),
        (push(values={"price": {}}), "entities.stocklevel.push: price is not a field of stocklevel"),
        (
            push(update=[{**WRITE, "record": {"q": "{binding.none}"}}]),
            "entities.stocklevel.push: {binding.none} is not",
        ),
        (push(update=[{**WRITE, "headers": {"X": "{none}"}}]), "entities.stocklevel.push: {none} is not known here"),
        (push(update=[{**WRITE, "defaults": {"q": "{none}"}}]), "entities.stocklevel.push: {none} is not known here"),
        (push(update=[{**WRITE, "at": "a", "into": "b"}]), "entities.stocklevel.push.update.0: give at or into"),
        (
            push(update=[{**WRITE, "job": {"get": "/j/{id}", "id": "body.id", "state": "body.s", "running": "r"}}]),
            "entities.stocklevel.push.job: {id} is not known here; known: job",
        ),
        (
            push(update=[{**WRITE, "match": {"sent": ["record.a", "record.b"], "answered": "answer.a"}}]),
            "entities.stocklevel.push.update.0.match",
        ),
        (
            push(find={"get": "/f", "query": {"q": "{key}"}, "field": "sku", "match": "item.sku"}),
            "entities.stocklevel.push.find: {key} is not known here",
        ),
        (
            push(find={"get": "/f", "query": {"q": "{terms}"}, "term": "{keys}", "field": "sku", "match": "item.sku"}),
            "entities.stocklevel.push.find: {keys} is not known here",
        ),
    ],
)
def test_facts_of_a_push_that_cannot_be_are_refused(refused, stock, complaint):
    found = refused(stock=stock)
    assert any(line.startswith(complaint) for line in found), found


@pytest.mark.parametrize(
    "stock",
    [
        {"push": {"upsert": WRITE}},
        {"push": {"create": WRITE, "create_only": True}},
        push(update=[{**WRITE, "headers": {"Idempotency-Key": "{idempotency}"}, "at": "body"}]),
        push(
            also={"more": {"of": "quantity", "values": {"0.0000": "none"}}},
            update=[{**WRITE, "record": {"m": "{more}"}}],
        ),
        push(find={"get": "/f/{key}", "batch": 1, "field": "sku", "match": "item.sku", "absent": [404]}),
        push(find={"get": "/f", "query": {"q": "{terms}"}, "term": "s:{key}", "field": "sku", "match": "item.sku"}),
        push(
            read={"get": "/r", "query": {"ids": "{ids}"}, "match": "item.id"},
            now={"rev": "item.rev"},
            update=[{**WRITE, "headers": {"If-Match": "{now.rev}"}}],
        ),
        push(
            references={
                "place": {"of": "locationId", "get": "/places", "query": {"c": "{keys}"}, "match": "item.code"}
            },
            update=[{**WRITE, "record": {"place": "{reference.place}", "q": "{quantity}"}}],
        ),
    ],
    ids=["upsert", "create only", "idempotency", "also", "one", "terms", "now", "reference of the key"],
)
def test_facts_of_a_push_that_can_be_are_taken(load, stock):
    assert load(stock=stock).push("stocklevel").forms


@pytest.mark.parametrize(
    ("push_", "settles"),
    [
        ({"update": [WRITE]}, True),
        ({"update": [WRITE], "create": WRITE}, False),
        ({"upsert": WRITE}, True),
        ({"create": WRITE, "create_only": True}, False),
        ({"create": {**WRITE, "headers": {"Key": "{idempotency}"}}, "create_only": True}, True),
        ({"create": {**WRITE, "record": {"k": "{idempotency}"}}, "create_only": True}, True),
        ({"update": [WRITE], "find": {"get": "/f", "query": {"k": "{keys}"}, "field": "sku", "match": "item.s"}}, True),
    ],
)
def test_a_lost_answer_is_settled_where_it_can_be_asked_about_or_sent_again(load, push_, settles):
    assert load(stock={"push": push_}).push("stocklevel").settles is settles
