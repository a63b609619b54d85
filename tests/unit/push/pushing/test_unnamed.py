"""Items whose making was answered without a word of their id: found when they can be, and made once."""

import asyncio
import json

import pytest
from starlette.responses import JSONResponse

from tests.unit.push.pushing.conftest import CREATE


class Lagging:
    """Makes and changes items, and says nothing of them. A look-up finds them once they are ``indexed``."""

    def __init__(self):
        self.items, self.writes, self.indexed, self.meanwhile = [], [], False, None

    def __call__(self, seen):
        if seen.method == "GET":
            return JSONResponse(self.items if self.indexed else [])
        ((step, records),) = json.loads(seen.body).items()
        self.writes += [(step, record["title"]) for record in records]
        if step == "create":
            self.items += [{"id": f"n{len(self.items)}", **record} for record in records]
            self.meanwhile()
        return JSONResponse({step: records})


@pytest.fixture
def lagging(platform):
    made = Lagging()
    platform.route(made)
    return made


@pytest.fixture
def push(pushing):
    return pushing(create={**CREATE, "answers": "status"}, settle=90)


@pytest.mark.parametrize("when", ["meanwhile", "afterwards"])
def test_a_newer_version_waits_until_the_item_can_be_found(push, lagging, when):
    def newer():
        push.pull({"title": "b"})
        push.pusher.arrive()

    def run():
        push.pusher.arrive()
        asyncio.run(push.pusher.send(lambda _: None))

    # given
    lagging.meanwhile = newer if when == "meanwhile" else lambda: None
    push.pull({"title": "a"})
    run()
    if when == "afterwards":
        newer()
    # when
    run()
    assert lagging.writes == [("create", "a")]
    assert push.rows("SELECT dueAt > now() + INTERVAL 80 SECOND FROM outbox") == [(True,)]
    # then
    lagging.indexed = True
    assert push.send() == {"A": "accepted"}
    assert lagging.writes == [("create", "a"), ("update", "b")]
    assert push.rows("SELECT id FROM bindings WHERE connection = 'shop'") == [("n0",)]


def test_where_no_item_can_be_found_it_is_done_and_not_made_again(pushing, lagging):
    push = pushing(find=None, create={**CREATE, "answers": "status"}, batch=1)
    lagging.meanwhile = lambda: None
    push.pull({"title": "a"})
    assert push.send() == {"A": "accepted"}
    assert push.rows("SELECT key, state FROM outbox") == []
