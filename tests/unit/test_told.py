"""What ``status``, ``held`` and ``explain`` say is so, over a real store."""

import asyncio
import re
import shutil
from contextlib import nullcontext

import pytest
import yaml
from starlette.responses import JSONResponse

from pullpush_dagster.config import Project
from pullpush_dagster.errors import AuthError, ConfigError, HaltError, RejectError
from pullpush_dagster.explain import explain
from pullpush_dagster.held import approve, held
from pullpush_dagster.pull import Window, pull_records, read_pulls
from pullpush_dagster.status import quarantined, sync_status
from pullpush_dagster.store import Store
from tests.unit.changes.conftest import Outbox

SYNC = {"name": "to_shop", "from": "erp/stocklevel", "to": "shop", "mode": "live"}
MANY = [f"S{n:02}" for n in range(40)]


@pytest.fixture
def con():
    """Not held here."""
    return None


@pytest.fixture
def told(tiny, source):
    """Makes a project of one push of ``entity`` from erp to shop, and what works on its store."""

    class Told:
        def __init__(self, entity="stocklevel", **push):
            tiny.connector(entities={entity: {
                "pull": {"get": "/items", "pages": {"style": "none"}},
                "canonical_map": {"sku": "item.sku", "locationId": "item.loc", "quantity": "item.q"},
                "binding": {"id": "item.id"},
                "push": {"find": {"get": "/f", "query": {"sku": "{keys:text}"}, "field": "sku", "match": "item.sku"},
                         "update": [{"put": "/i/{binding.id}", "record": {"q": "{quantity:integer}"}}]},
            }})  # fmt: skip
            for name in ("erp", "shop"):
                file = tiny.root / "resources" / f"{name}.yaml"
                file.write_text(yaml.safe_dump(tiny.connection().model_dump() | {"connection": name}))
            (tiny.root / "assets").mkdir()
            sync = {"name": "to_shop", "from": f"erp/{entity}", "to": "shop", "mode": "live", **push}
            self.write({"connection": "erp", "entity": entity}, sync)
            self.project = Project(tiny.root, tiny.root / "data")
            self.push = self.project.push("to_shop")
            self.entity, self.minute = entity, 0

        def write(self, pull, push):
            documents = [{"type": "pullpush_dagster.Pull", "attributes": pull}]
            documents += [{"type": "pullpush_dagster.Push", "attributes": push}] if push else []
            (tiny.root / "assets" / "defs.yaml").write_text(yaml.safe_dump_all(documents))

        def session(self):
            return Store.of(self.project.state).session()

        def pull(self, records, *, limits=False):
            with self.session() as con:
                made = source(self.entity, scope="WH" if self.entity == "stocklevel" else "")
                made.con, made.minute = con, self.minute
                made.pull(records)
                made.audit(**({} if limits else dict.fromkeys(("deleted", "zeroed", "changed", "price", "rows"))))
                self.minute = made.minute

        def box(self, con):
            return Outbox(con, self.push, self.entity, self.entity)

        def deliver(self):
            with self.session() as con:
                self.box(con).deliver()

        def arrive(self):
            with self.session() as con:
                return self.box(con).arrive()

        def status(self):
            return sync_status(self.project, self.push)

        def explain(self, key):
            return explain(self.project, self.push, key)

    return Told


def level(quantity, skus=MANY, place="WH"):
    return [(sku, place, quantity) for sku in skus]


@pytest.fixture
def again_held(told):
    """Zeros that were let through and given up, of which the shop has sold since; the push's guard holds that."""
    made = told()
    for quantity in (5, 0):
        made.pull(level(quantity))
        made.deliver()
    with made.session() as con:
        con.execute("UPDATE positions SET position = 80, held = NULL; UPDATE holds SET state = 'approved'")
        con.execute(
            "INSERT INTO affected (push, field, value, affectedAt)"
            " SELECT 'to_shop', 'sku', json_extract_string(key, '$.sku'), TIMESTAMPTZ '2020-01-01' FROM accepted"
        )
    assert made.arrive().held
    return made


def test_examples_of_what_a_push_holds_are_of_what_it_is_to_send_again_too(again_held):
    (one,) = held(again_held.project)
    assert (one.changes, one.examples[0]["key"]["sku"], one.examples[0]["op"]) == (40, "S00", "again")


def test_what_is_to_be_sent_again_and_is_held_is_said_to_be_held(again_held):
    (one,) = held(again_held.project)
    (said,) = again_held.explain("S00")["in short"]
    assert said["is"] == (
        "held by the guard of to_shop: its set sets to zero or less 40 of 40 keys (limit 10%, at least 20)."
        f" pullpush approve {one.hash} lets it through"
    )


@pytest.fixture
def push_held(told):
    """Forty delivered levels, then all of them zero; the pull's guard is off, the push's holds them."""
    made = told()
    made.pull(level(5))
    made.deliver()
    made.pull(level(0))
    assert made.arrive().held
    return made


def test_status_counts_the_changes_that_the_pushs_guard_holds(push_held):
    (one,) = held(push_held.project)
    assert one.changes == 40
    assert push_held.status()["held"] == 40


def test_what_was_held_of_a_log_that_the_push_no_longer_reads_is_nobodys_until_it_does_again(push_held):
    (one,) = held(push_held.project)

    def told_of(connection):
        source = {"connection": connection, "entity": "stocklevel"}
        push = {"name": "to_shop", "from": f"{connection}/stocklevel", "to": "shop", "mode": "live"}
        push_held.write(source, push)
        project = Project(push_held.project.root, push_held.project.state)
        return project, sync_status(project, project.push("to_shop"))["held"], held(project)

    project, *found = told_of("shop")
    assert found == [0, []]
    with pytest.raises(ConfigError, match=f"nothing that is held is called {one.hash}"):
        approve(project, one.hash)
    project, *found = told_of("erp")
    assert found == [40, [one]]
    assert approve(project, one.hash) == ["to_shop: 40 changes of erp/stocklevel are queued; its next run sends them"]


def test_what_is_let_through_in_shadow_mode_is_not_said_to_be_sent(push_held):
    (one,) = held(push_held.project)
    push_held.write(
        {"connection": "erp", "entity": "stocklevel"}, {"name": "to_shop", "from": "erp/stocklevel", "to": "shop"}
    )
    project = Project(push_held.project.root, push_held.project.state)
    (said,) = approve(project, one.hash)
    assert said.endswith("are queued; they are sent once it is live: it is in shadow mode")


def test_what_was_held_of_a_push_that_is_no_more_is_nobodys(push_held):
    push_held.write({"connection": "erp", "entity": "stocklevel"}, None)
    assert held(Project(push_held.project.root, push_held.project.state)) == []


def test_status_counts_what_the_push_has_not_read_yet(told):
    made = told()
    made.pull(level(5))
    made.deliver()
    made.pull(level(6))
    # accepted, but not come to the push yet: its run broke off, or a person approved it
    assert made.status()["pending"] == 40


def test_what_a_push_that_never_began_is_to_read_is_pending(told):
    # given: one shop's orders are in its log, and the other shop does not answer
    made = told()
    made.pull(level(5))
    assert made.status()["pending"] == 40


def test_explain_finds_a_key_under_the_name_it_has_at_the_destination(told):
    made = told(translate={"sku": {"A": "B"}})
    made.pull([("A", "WH", 5)])
    made.deliver()
    story = made.explain("A")
    assert [row["outcome"] for row in story["sent"]] == ["accepted"]
    assert len(story["the destination has"]) == 1


def test_a_key_of_several_parts_is_asked_for_by_one_of_them(told, says):
    # given: other commands print both
    made = told()
    made.pull(level(5, ["A"]))
    assert says(made, "A WH") == ["erp/stocklevel never had A WH; ask for one part of a key, such as A"]
    assert says(made, "B") == ["erp/stocklevel never had B"]


def test_examples_of_what_a_push_holds_are_of_what_it_holds(told):
    many = [f"S{n:02}" for n in range(60)]
    made = told(only={"sku": many[30:]})
    made.pull(level(5, many))
    made.deliver()
    made.pull(level(0, many))
    assert made.arrive().held
    (one,) = held(made.project)
    assert one.changes == 30
    assert all(row["key"]["sku"] >= "S30" for row in one.examples)


# In short.


@pytest.fixture
def says():
    """What a key comes to, in short."""
    return lambda made, key: [row["is"] for row in made.explain(key)["in short"]]


def test_what_a_pushs_guard_holds_names_the_set(push_held, says):
    (one,) = held(push_held.project)
    assert says(push_held, "S07") == [
        "held by the guard of to_shop: its set sets to zero or less 40 of 40 keys (limit 10%, at least 20)."
        f" pullpush approve {one.hash} lets it through"
    ]


def test_what_is_accepted_is_to_be_read_then_due_and_then_in_step(told, says):
    made = told()
    made.pull([("A", "WH", 4)])
    made.deliver()
    made.pull([("A", "WH", 5)])
    assert says(made, "A") == ["changed, which to_shop has not read yet: its next run does"]
    made.arrive()
    assert says(made, "A") == ["due, the next run of to_shop sends it"]
    made.deliver()
    assert says(made, "A")[0].startswith("in step: the destination took quantity 5.0000, noted at 20")


def test_in_shadow_mode_it_is_said_that_nothing_is_sent(told, says):
    made = told(mode="shadow")
    made.pull([("A", "WH", 5)])
    made.arrive()
    assert says(made, "A") == ["would be sent, but this sync is in shadow mode: mode: live sends it"]


@pytest.mark.parametrize(
    ("state", "said"),
    [("dead", "given up: too red;"), ("waiting", "waits: too red"), ("claimed", "on its way: too red"),
     ("unconfirmed", "only a person can tell whether it is there: too red;")],
)  # fmt: skip
def test_what_became_of_it_at_the_destination_is_said_with_its_reason(told, says, state, said):
    made = told()
    made.pull([("A", "WH", 5)])
    made.arrive()
    with made.session() as con:
        con.execute("UPDATE outbox SET state = ?, reason = 'too red'", [state])
    assert says(made, "A")[0].startswith(said)


def test_what_a_run_that_died_had_in_its_hands_is_not_said_to_be_on_its_way(told, says):
    made = told()
    made.pull([("A", "WH", 5)])
    made.arrive()
    with made.session() as con:
        con.execute("UPDATE outbox SET state = 'claimed', leaseUntil = now() - INTERVAL 1 SECOND")
    assert says(made, "A") == ["was in the hands of a run that is gone; the next run of to_shop settles it"]


def test_what_is_gone_and_what_is_unknown_is_said_to_be(told, says):
    made = told()
    made.pull([("A", "WH", 5)])
    made.deliver()
    with made.session() as con:
        con.execute("UPDATE baseline_stocklevel SET _unknown = [{field: 'quantity', since: now()}]")
    assert says(made, "A")[0].startswith("unknown at the source: quantity since 20")
    with made.session() as con:
        con.execute("UPDATE baseline_stocklevel SET _deleted = true")
    assert says(made, "A") == ["gone at the source"]


@pytest.mark.parametrize(
    ("since", "said"),
    [("2026-11-02 12:00:00+00", "moved by shop itself, as a shop does when it sells, noted at 2026-11-02 12:00:00"),
     ("1970-01-01 00:00:00+00", "sent once more by the next run of to_shop: its item at shop is new")],
)  # fmt: skip
def test_what_the_destination_moved_by_itself_is_not_said_to_be_in_step(told, says, since, said):
    # given: two places of one SKU, of which one was sent again already
    made = told()
    made.pull([("A", "WH", 5), ("A", "STORE", 5)])
    made.deliver()
    done = """['erp/stocklevel {"sku":"A","locationId":"STORE"}']"""
    with made.session() as con:
        con.execute(
            "INSERT INTO affected (push, field, value, affectedAt, sentAgain)"
            f" VALUES ('to_shop', 'sku', 'A', TIMESTAMPTZ '{since}', {done}), ('to_shop', 'sku', 'B', now(), NULL)"
        )
    told_of = {row["key"]["locationId"]: row["is"] for row in made.explain("A")["in short"]}
    assert told_of["WH"].startswith(said)
    assert not told_of["STORE"].startswith(said)


def test_a_replay_is_told_of_the_place_of_its_letter_alone(told):
    made = told()
    made.pull([("A", "WH", 5), ("A", "STORE", 5)])
    made.deliver()
    with made.session() as con:
        con.execute(
            "INSERT INTO affected (push, field, value, affectedAt, source) SELECT 'to_shop', 'sku', 'A',"
            " TIMESTAMPTZ '1970-01-01 00:00:00+00', source FROM accepted WHERE contains(source, 'WH')"
        )
    told_of = {row["key"]["locationId"]: row["is"] for row in made.explain("A")["in short"]}
    assert "replayed" in told_of["WH"]
    assert "replayed" not in told_of["STORE"]


def test_the_last_that_was_taken_is_told_however_many_attempts_failed_since(told):
    made = told()
    made.pull([("A", "WH", 5)])
    made.deliver()
    with made.session() as con:
        con.execute(
            "INSERT INTO receipts (push, key, outcome, answeredAt) SELECT push, key, 'retry', now() + to_seconds(n)"
            " FROM (FROM receipts LIMIT 1), range(9) AS t(n)"
        )
    assert [row["outcome"] for row in made.explain("A")["sent"]] == [*["retry"] * 5, "accepted"]


def in_short(made, key):
    return [row["is"] for row in made.explain(key)["in short"]]


def test_what_was_pulled_and_is_not_compared_yet_is_not_in_step(told, source):
    made = told()
    made.pull(level(5, ["A", "B"]))
    made.deliver()
    with made.session() as con:
        again = source("stocklevel", scope="WH")
        again.con, again.minute = con, made.minute
        again.pull([*level(3, ["A"]), *level(5, ["B"])])  # the run dies before its audit
    assert in_short(made, "A") == ["pulled, and not compared yet: the next run does"]
    assert in_short(made, "B")[0].startswith("in step")


def test_what_changed_and_is_not_read_yet_is_told_of_each_key_however_many_there_are(told):
    made = told()
    for quantity in (5, 6):
        made.pull(level(quantity, MANY[:7]))
        made.deliver() if quantity == 5 else None
    assert in_short(made, "WH") == ["changed, which to_shop has not read yet: its next run does"] * 7


def test_all_later_changes_of_a_key_are_counted(told):
    made = told(deliver="every")
    for quantity in range(9):
        made.pull(level(quantity, ["A"]))
        made.deliver() if quantity == 0 else None
    made.arrive()
    assert in_short(made, "A")[1] == "7 later changes of it wait until that is done"


def test_what_is_known_of_a_place_that_is_no_longer_pulled_is_nobodys_trouble(told):
    # given: its levels were held, one of its records could not be read, and then it could not be asked
    made = told()
    made.pull(level(5))
    made.pull(level(0), limits=True)
    with made.session() as con:
        con.execute(
            "INSERT INTO quarantine (connection, name, scope, reasons) VALUES ('erp', 'stocklevel', 'WH', ['odd']);"
            "INSERT INTO failed_pulls (connection, name, scope, reason, failedAt)"
            " VALUES ('erp', 'stocklevel', 'WH', 'no', now())"
        )

    def trouble(place):
        parts = {"by": "locationId", "values": [place]}
        pull = {"connection": "erp", "entity": "stocklevel", "partitions": parts}
        made.write(pull, SYNC)
        project = Project(made.project.root, made.project.state)
        row = sync_status(project, project.push("to_shop"))
        bad = quarantined(project, project.push("to_shop"))
        return row["quarantined"], row["held"], len(row["trouble"]), len(bad), len(held(project))

    assert trouble("WH") == (1, 40, 1, 1, 1)
    assert trouble("STORE") == (0, 0, 0, 0, 0)


@pytest.fixture
def ask(platform):
    """Asks erp for its levels, and reads what comes; ``lose``: its pages are gone before that."""

    def run(made, *, status=200, lose=False):
        platform.answer(JSONResponse([{"id": 1, "sku": "A", "loc": "WH", "q": 5}], status))
        pull, store = made.project.pull("erp/stocklevel"), Store.of(made.project.state)
        asyncio.run(pull_records(made.project, store, pull, Window("full"), lambda _: None))
        if lose:
            shutil.rmtree(store.raw)
        read_pulls(made.project, store, pull, "")

    return run


def test_a_pull_whose_pages_cannot_be_read_is_trouble_until_some_can(told, ask):
    made = told()
    with pytest.raises(HaltError):
        ask(made, lose=True)
    (said,) = made.status()["trouble"]
    assert "the pages of pull 1 are no longer in pullpush.raw; a full pull takes its place" in said
    # when: one that could not even be asked takes nothing away
    with pytest.raises(RejectError):
        ask(made, status=400)
    assert len(made.status()["trouble"]) == 2
    ask(made)
    # then
    assert made.status()["trouble"] == []


@pytest.fixture
def pulled():
    """Lets these have been pulled, (scope, kind, days ago); the lag of the sync in days."""

    def run(made, pulls):
        made.project = Project(made.project.root, made.project.state)
        with made.session() as con:
            columns = "pull, connection, name, scope, kind, startedAt"
            for number, (scope, kind, days) in enumerate(pulls):
                values = "?, 'erp', 'stocklevel', ?, ?, now() - INTERVAL 1 DAY * ?"
                con.execute(f"INSERT INTO pulls ({columns}) VALUES ({values})", [number, scope, kind, days])
        lag = sync_status(made.project, made.project.push("to_shop"))["lag"]
        return None if lag is None else round(lag / 86_400)

    return run


@pytest.mark.parametrize(
    ("full", "days", "told_of"), [("1d", 3, True), ("1d", 1, False), ("off", 3, False)], ids=["late", "in time", "off"]
)  # fmt: skip
def test_a_full_audit_that_is_late_is_trouble_however_well_the_walk_goes(told, full, days, told_of):
    made = told()
    made.write({"connection": "erp", "entity": "stocklevel", "full": full}, SYNC)
    made.project = Project(made.project.root, made.project.state)
    with made.session() as con:
        con.execute(
            "INSERT INTO pulls (pull, connection, name, scope, kind, startedAt) VALUES"
            " (1, 'erp', 'stocklevel', '', 'full', now() - INTERVAL 1 DAY * ?),"
            " (2, 'erp', 'stocklevel', '', 'sync', now())",
            [days],
        )
    row = sync_status(made.project, made.project.push("to_shop"))
    assert [said[:45] for said in row["trouble"]] == ["erp/stocklevel was not asked for whole since "] * told_of


@pytest.mark.parametrize(
    ("newest", "days"),
    [
        ([("WH", "full", 3), ("STORE", "full", 0)], 3),
        ([("WH", "full", 3), ("STORE", "full", 2), ("WH", "full", 0)], 2),
        ([("WH", "full", 0)], None),
        ([("WH", "full", 0), ("STORE", "full", 0), ("GONE", "full", 9)], 0),
    ],
    ids=["one place stands", "each at its newest", "one was never asked", "a place that is no more"],
)
def test_the_lag_is_that_of_the_place_that_was_not_asked_for_the_longest(told, pulled, newest, days):
    made = told()
    parts = {"by": "locationId", "values": ["WH", "STORE"]}
    made.write({"connection": "erp", "entity": "stocklevel", "partitions": parts}, SYNC)
    assert pulled(made, newest) == days


def test_a_backfill_by_hand_is_no_newer_pull(told, pulled):
    assert pulled(told(), [("", "sync", 3), ("", "window", 0)]) == 3


@pytest.fixture
def walk(world):
    """A walk of the ERP's products, or a pull of all of them; then what ``status`` has against it.

    ``login``: as the right one, or refused.
    """

    def run(kind, *, login=True):
        with pytest.MonkeyPatch.context() as there, nullcontext() if login else pytest.raises(AuthError):
            if not login:
                there.setenv("ERP_API_KEY", "wrong")
            world.pull("erp/product", Window(kind))
        return sync_status(world.project, world.project.push("products_to_shop"))["trouble"]

    return run


def test_a_full_audit_that_failed_is_told_until_one_is_complete_however_well_the_walk_goes(walk):
    walk("full", login=False)
    (said,) = walk("sync")
    assert re.match(r"erp/product failed at 20[-0-9: ]+, asked for whole: Odoo answered 401", said)
    assert walk("full") == []


def test_a_walk_that_fails_is_told_though_a_full_audit_was_complete_since(walk):
    walk("sync", login=False)
    (said,) = walk("full")
    assert re.match(r"erp/product failed at 20[-0-9: ]+: Odoo answered 401", said)
    assert walk("sync") == []


def test_the_failure_of_a_full_audit_that_is_off_by_now_ends_with_the_next_walk(world, walk):
    walk("full", login=False)
    file = world.project.root / "assets" / "products" / "defs.yaml"
    file.write_text(file.read_text().replace("  entity: product\n", "  entity: product\n  full: off\n", 1))
    world.project = Project(world.project.root, world.project.state)
    assert walk("sync") == []


def test_what_the_source_has_by_now_is_not_known_while_its_pull_fails(told, ask, says):
    # given: all was in step
    made = told()
    made.pull(level(5, ["A"]))
    made.deliver()
    # when
    with pytest.raises(RejectError):
        ask(made, status=400)
    # then
    step, unknown = says(made, "A")
    assert step.startswith("in step: the destination took quantity 5.0000, noted at 20")
    assert re.match(
        r"erp/stocklevel failed at 20[-0-9: ]+, so what it has by now is not known: Tiny answered 400", unknown
    )
    assert says(made, "B") == ["erp/stocklevel never had B", unknown]


def test_a_place_that_fails_says_nothing_of_a_key_in_another(told, says):
    made = told()
    parts = {"by": "locationId", "values": ["WH", "STORE"]}
    made.write({"connection": "erp", "entity": "stocklevel", "partitions": parts}, SYNC)
    made.project = Project(made.project.root, made.project.state)
    made.pull(level(5, ["A"]))
    made.deliver()
    with made.session() as con:
        con.execute(
            "INSERT INTO failed_pulls (connection, name, scope, reason, failedAt)"
            " VALUES ('erp', 'stocklevel', 'STORE', 'no', now())"
        )
    assert [said[:7] for said in says(made, "A")] == ["in step"]


def test_what_was_taken_after_it_was_read_back_is_not_said_to_be_adrift_still(told, says):
    # given: what drifted was sent again
    made = told()
    made.pull(level(5, ["A"]))
    made.deliver()
    with made.session() as con:
        con.execute("INSERT INTO readbacks (push, startedAt) VALUES ('to_shop', TIMESTAMPTZ '2020-01-01')")
        con.execute(
            "INSERT INTO drift (push, key, field, there) SELECT 'to_shop', key, 'quantity', '\"9.0000\"' FROM accepted"
        )
    # then
    (said,) = says(made, "A")
    assert said.startswith("quantity was 9.0000 there when it was read back at 2020-01-01 00:00:00: it took something")
