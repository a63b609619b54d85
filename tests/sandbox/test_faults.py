"""Faults on command: what the caller meets, and what the platform has or has not done by then."""

import time

import httpx
import pytest


@pytest.fixture
def quantity(shop):
    """A managed product and how to read what the shop holds for it, past all faults."""
    number = shop.new(manage_stock=True, stock_quantity=5)["id"]

    def read():
        items = shop.standin.state()["products"]
        return next(item["stock_quantity"] for item in items if item["id"] == number)

    return number, read


def put(shop, number, units):
    return shop.ask("PUT", f"/products/{number}", {"stock_quantity": units})


def test_an_error_before_the_commit_applies_nothing(shop, quantity):
    number, read = quantity
    shop.standin.faults(error_before=1.0)
    assert put(shop, number, 9).status_code == 500
    assert read() == 5


def test_an_error_after_the_commit_has_applied(shop, quantity):
    number, read = quantity
    shop.standin.faults(error_after=1.0, status=503)
    assert put(shop, number, 9).status_code == 503
    assert read() == 9


def test_a_dropped_connection_has_applied_and_answers_nothing(shop, quantity):
    number, read = quantity
    shop.standin.faults(close_after=1.0)
    with pytest.raises((httpx.RemoteProtocolError, httpx.ReadError)):
        put(shop, number, 9)
    assert read() == 9


def test_a_truncated_body_is_shorter_than_declared(shop, quantity):
    number, read = quantity
    shop.standin.faults(truncate=1.0)
    with pytest.raises(httpx.RemoteProtocolError, match="complete message body"):
        put(shop, number, 9)
    assert read() == 9


def test_a_cut_body_is_well_framed_and_no_json(shop, quantity):
    number, _ = quantity
    shop.standin.faults(cut_json=1.0)
    answer = put(shop, number, 9)
    assert answer.status_code == 200
    assert int(answer.headers["content-length"]) == len(answer.content) > 0
    with pytest.raises(ValueError, match="line 1 column"):
        answer.json()


def test_an_injected_error_has_none_of_the_platforms_own_fields(erp):
    erp.standin.faults(error_before=1.0)
    answer = erp.ask("product.product", "search", domain=[])
    assert answer.headers["content-type"] == "text/html"
    assert "builtins" not in answer.text


def test_throttling_lasts_for_so_many_requests(shop):
    shop.standin.faults(throttle_requests=2, retry_after=7)
    answers = [shop.ask("GET", "/products") for _ in range(3)]
    assert [answer.status_code for answer in answers] == [429, 429, 200]
    assert answers[0].headers["Retry-After"] == "7"


def test_throttling_lasts_for_so_many_seconds(shop):
    shop.standin.faults(throttle_seconds=0.3)
    assert shop.ask("GET", "/products").status_code == 429
    time.sleep(0.35)
    assert shop.ask("GET", "/products").status_code == 200


def test_a_throttled_request_applies_nothing(shop, quantity):
    number, read = quantity
    shop.standin.faults(throttle_requests=1)
    put(shop, number, 9)
    assert read() == 5


def test_latency_is_waited_for(erp):
    erp.standin.faults(latency_ms=150)
    start = time.monotonic()
    erp.call("stock.warehouse", "search_count", domain=[])
    assert time.monotonic() - start >= 0.15


def test_faults_meet_only_the_path_and_method_named(shop, quantity):
    number, _ = quantity
    shop.standin.faults(error_before=1.0, path="/wp-json/wc/v3/products/batch", method="POST")
    assert put(shop, number, 9).status_code == 200
    assert shop.ask("POST", "/products/batch", {}).status_code == 500


def test_faults_end_after_so_many_requests(shop):
    shop.standin.faults(error_before=1.0, count=2)
    assert [shop.ask("GET", "/products").status_code for _ in range(4)] == [500, 500, 200, 200]


def test_the_same_seed_meets_the_same_requests(shop):
    def met():
        shop.standin.faults(error_before=0.5, seed=11)
        return [shop.ask("GET", "/products", per_page=1).status_code for _ in range(12)]

    first = met()
    assert first == met()
    assert set(first) == {200, 500}


def test_no_rules_means_no_faults(shop):
    shop.standin.faults(error_before=1.0)
    shop.standin.faults()
    assert shop.ask("GET", "/products").status_code == 200


@pytest.mark.parametrize(
    ("rules", "reason"), [({"error_before": 0.6, "truncate": 0.6}, "at most 1"), ({"x": 1}, "'x'")]
)
def test_rules_that_make_no_sense_are_refused(shop, rules, reason):
    with pytest.raises(ValueError, match=reason):
        shop.standin.faults(**rules)


def test_injected_faults_are_counted_by_kind(shop):
    shop.standin.clear_stats()
    shop.standin.faults(error_before=1.0, count=3)
    for _ in range(4):
        shop.ask("GET", "/products")
    assert shop.standin.injected() == {"error_before": 3}
    assert shop.standin.stats() == {"GET /wp-json/wc/v3/products": 4}


def test_control_is_never_harmed(shop):
    shop.standin.faults(close_after=1.0)
    assert shop.standin.state()["products"]
