"""A read-back is whole or is none, says nothing of another one's business, and the newest one counts."""

import json

import pytest
from starlette.responses import JSONResponse

from pullpush_dagster.errors import ConfigError, NoScopeError, PullPushError, RetryError
from pullpush_dagster.readback import newest


@pytest.fixture
def pine(products, shelf):
    """A product that was accepted as Oak, and is Pine there."""
    products.accepted("A", title="Oak")
    shelf.put("A", title="Pine")
    return products


def test_a_destination_that_gave_less_than_it_has_leaves_what_was_known(pine, shelf):
    pine.read()
    shelf.items.clear()
    shelf.total = 1
    with pytest.raises(RetryError, match="it has 1 records and gave 0, from which nothing can be concluded"):
        pine.read()
    assert pine.drift() == {("A", "title"): ("Oak", "Pine")}


def test_a_read_that_breaks_off_leaves_what_was_known(pine, platform):
    pine.read()
    platform.answer(JSONResponse({"code": "broken_for_good"}, 500))
    with pytest.raises(PullPushError):
        pine.read()
    assert pine.drift() == {("A", "title"): ("Oak", "Pine")}


def test_a_look_up_that_breaks_off_leaves_what_was_known(pine, shelf, platform):
    pine.read()
    shelf.items.clear()
    platform.route(
        lambda seen: shelf(seen) if seen.path == "/items" else JSONResponse({"code": "broken_for_good"}, 500)
    )
    with pytest.raises(PullPushError):
        pine.read()
    assert pine.drift() == {("A", "title"): ("Oak", "Pine")}


def test_a_key_that_the_platform_refuses_to_look_for_is_not_gone(pine, shelf, platform):
    shelf.items.clear()
    platform.route(lambda seen: shelf(seen) if seen.path == "/items" else JSONResponse({"message": "no"}, 400))
    found = pine.read()
    assert (found.gone, found.unreadable) == (0, 1)


def test_the_newest_read_back_replaces_the_one_before(pine, shelf):
    pine.read()
    shelf.put("A", title="Oak")
    assert pine.drifted() == {}


def test_a_slow_read_back_does_not_replace_one_that_began_later(pine, shelf):
    pine.read()
    pine.rows("UPDATE readbacks SET startedAt = '2100-01-01' RETURNING push")
    shelf.put("A", title="Oak")
    assert pine.drifted() == {("A", "title"): ("Oak", "Pine")}


def test_what_is_accepted_while_the_destination_is_asked_is_left_out(pine, shelf):
    shelf.meanwhile = lambda: pine.rows("UPDATE accepted SET acceptedAt = now() RETURNING key")
    found = pine.read()
    assert (found.drifted, found.left_out) == (0, 1)


def test_nothing_but_the_read_back_is_written(pine, store):
    tables = "SELECT table_name FROM duckdb_tables() ORDER BY 1"

    def everything():
        return {name: pine.rows(f'SELECT * FROM "{name}" ORDER BY ALL') for (name,) in pine.rows(tables)}

    pine.pull({"sku": "A"})
    before = everything()
    pine.read()
    after = everything()
    # Where the destination is, is noted when it is used for the first time.
    assert {name for name in after if after[name] != before[name]} == {"readbacks", "drift", "accounts"}
    assert list(store.staging.iterdir()) == []


def test_a_sync_that_was_never_read_back_has_no_newest(products, store):
    with store.session() as con:
        assert newest(con, products.push) is None


def test_a_destination_that_cannot_be_asked_is_refused(pine, tiny):
    facts = tiny.root / "resources" / "connectors" / "tiny.yaml"
    text = facts.read_text()
    start, end = text.index("    pull:"), text.index("    canonical_map:")
    facts.write_text(text[:start] + text[end:])
    with pytest.raises(ConfigError, match="tiny cannot be asked for its product"):
        pine.read()


# Destinations that are asked scope by scope.

SCOPED = {
    "scope": {"locationId": {"get": "/places", "query": {"code": "{locationId}"}, "set": {"place": "each.id"}}},
    "query": {"place": "{scope.place}"},
}


@pytest.fixture
def places(reader, shelf, platform):
    """Stock that is asked for place by place; ``shelf.closed``: places that are no more."""

    def answer(seen):
        if seen.path == "/places":
            code = seen.query["code"]
            return JSONResponse([] if code in shelf.closed else [{"id": code.lower()}])
        asked.append(seen.query.get("place") or "found")
        return shelf(seen)

    asked = []
    shelf.closed = set()
    made = reader("stocklevel", pull=SCOPED)
    platform.route(answer)
    return made, asked


def test_an_item_that_a_scope_does_not_list_is_there_but_says_nothing(places, shelf):
    made, asked = places
    made.accepted("A", quantity="5.0000")
    made.accepted("B", quantity="5.0000")
    shelf.put("A", q=4, counted=True)
    shelf.unlisted = {"A"}
    found = made.read()
    assert asked == ["default", "found"]
    assert (found.gone, found.drifted, found.unreadable) == (1, 0, 1)
    assert {json.dumps(row) for row in made.drift()} == {'["B", null]'}


@pytest.fixture
def two_places(places, shelf):
    """Five of A in each of two places, of which there are four in the first."""
    made, _ = places
    made.accepted("A", quantity="5.0000")
    made.rows(
        "INSERT INTO accepted SELECT * REPLACE (replace(key, 'default', 'store') AS key,"
        " replace(source, 'default', 'store') AS source) FROM accepted RETURNING key"
    )
    shelf.put("A", q=4, counted=True)
    return made


def test_each_scope_of_what_was_accepted_is_asked_for(two_places, places):
    two_places.read()
    assert places[1][:2] == ["default", "store"]


def test_of_a_place_that_is_closed_there_nothing_is_concluded_and_it_is_named(two_places, shelf):
    two_places.accepted("B", quantity="5.0000")
    shelf.closed = {"store"}
    found = two_places.read()
    assert (found.drifted, found.gone, found.unreadable) == (1, 1, 1)
    assert found.doubt == "locationId 'store': the platform has 0 such, one is needed"
    assert two_places.drift().keys() == {("A", "quantity"), ("B", None)}


def test_a_destination_that_has_closed_every_place_leaves_what_was_known(two_places, shelf):
    two_places.read()
    known = two_places.drift()
    shelf.closed = {"default", "store"}
    with pytest.raises(NoScopeError):
        two_places.read()
    assert two_places.drift() == known
