"""A platform that takes a request whole or not at all, and answers a key it knows as it did the first time."""

import json

import pytest
from starlette.responses import JSONResponse

# As shopify.yaml has stock.
FORM = {
    "post": "/batch", "at": "update", "json": {"key": "{idempotency}"},
    "record": {"id": "{binding.id}", "price": "{price:text}"}, "answers": "status",
    "failures": {"at": "body.errors", "index": "row.index", "atomic": True, "error": "row.said", "code": "row.code"},
}  # fmt: skip


class Keyed:
    """``old``: items the next look-up tells. ``busy``: the next request is refused. ``names``: of refused records."""

    def __init__(self, shop):
        self.shop, self.items, self.old, self.answers, self.busy, self.names = shop, shop.items, {}, {}, False, 9

    def __call__(self, seen):
        if seen.method == "GET":
            old, self.old = self.old, {}
            return JSONResponse([{"id": id_, **item} for id_, item in old.items()]) if old else self.shop(seen)
        body = json.loads(seen.body)
        if body["key"] not in self.answers:
            wrong = [(index, code) for index, one in enumerate(body["update"]) if (code := self._wrong(one))]
            for one in body["update"] if not wrong else []:
                self.items[one["id"]]["price"] = one["price"]
            self.answers[body["key"]] = {
                "errors": [{"index": i, "code": code, "said": "no"} for i, code in wrong[: self.names]]
            }
            self.busy = False
        return JSONResponse(self.answers[body["key"]])

    def _wrong(self, record):
        if self.busy:
            return "busy"
        return "gone" if record["id"] not in self.items else "bad" if record["price"] == "13" else None


@pytest.fixture
def keyed(shop, platform):
    made = Keyed(shop)
    platform.route(made)
    return made


def prices(keyed):
    return {item["sku"]: item.get("price") for item in keyed.items.values()}


@pytest.mark.parametrize("skus", ["A", "AB"])
def test_what_goes_to_another_item_is_another_request(pushing, keyed, skus):
    # given: the look-up lags, and tells the items there were
    keyed.old = {f"old{sku}": {"sku": sku} for sku in skus}
    keyed.items |= {f"new{sku}": {"sku": sku} for sku in skus}
    push = pushing(update=[FORM])
    push.pull(*({"sku": sku, "price": 2} for sku in skus))
    for _ in range(4):
        push.send()
    assert prices(keyed) == dict.fromkeys(skus, "2")


def test_what_was_refused_for_a_while_is_another_request(pushing, keyed):
    keyed.items["iA"] = {"sku": "A"}
    push = pushing(update=[FORM], again=["busy"])
    push.pull({"price": 1})
    push.send()
    push.pull({"price": 2})
    keyed.busy = True
    for _ in range(3):
        push.send()
    assert prices(keyed) == {"A": "2"}


def test_bad_records_that_are_told_one_at_a_time_do_not_wear_out_the_good_ones(pushing, keyed):
    # given: more bad records than a record has attempts
    skus = [f"S{number:02}" for number in range(16)]
    keyed.items |= {f"i{sku}": {"sku": sku} for sku in skus}
    keyed.names = 1
    push = pushing(update=[FORM], batch=20)
    push.pull(*({"sku": sku, "price": 13 if number < 12 else 1} for number, sku in enumerate(skus)))
    # when
    for _ in range(14):
        push.send()
    # then
    assert [prices(keyed)[sku] for sku in skus] == [None] * 12 + ["1"] * 4
    assert [state for state, _ in push.why()] == ["dead"] * 12
