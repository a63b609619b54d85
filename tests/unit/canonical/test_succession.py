"""Who keeps a key when it goes from one record to another, and what an older reading of a record may still change."""

import pytest

KEY = '{"sku":"A"}'


@pytest.fixture
def one(products):
    """A source of products that gave record 1 under the key A, long ago."""
    products.pull([{"id": 1, "sku": "A", "title": "old", "price": "1"}], kind="sync", asked=1)
    return products


# A record goes out of use, and another takes its key.

ARCHIVED = {"id": 1, "sku": "A", "live": False, "title": "old"}
SUCCESSOR = {"id": 2, "sku": "A", "title": "new"}


@pytest.mark.parametrize("how", [{"kind": "sync"}, {"kind": "full"}, {"kind": "full", "short": 1}])
def test_one_that_takes_the_key_of_one_out_of_use_has_it_at_once_and_later(one, how):
    one.pull([ARCHIVED, SUCCESSOR], **how, asked=2)
    assert (one.canonical("sku, title"), one.quarantined()) == ([("A", "new")], {})
    one.pull([{**SUCCESSOR, "title": "newer"}], kind="sync", asked=3)
    assert (one.canonical("sku, title"), one.quarantined()) == ([("A", "newer")], {})


def test_one_out_of_use_is_still_bound_to_the_key_that_it_has(one):
    one.pull([ARCHIVED, SUCCESSOR], kind="sync", asked=2)
    assert one.bindings() == [(KEY, "1", False), (KEY, "2", True)]


# A key is taken off one record and put on another.

KEYLESS = {"id": 1, "sku": None, "title": "old"}


@pytest.mark.parametrize("kind", ["full", "sync"])
def test_a_key_that_one_record_no_longer_names_is_the_others_that_does(one, kind):
    for minute in (2, 3):
        one.pull([KEYLESS, SUCCESSOR], kind=kind, asked=minute)
        assert one.canonical("sku, title") == [("A", "new")]
        assert one.quarantined() == {'{"id":"1"}': ["sku: is empty"]}
        assert one.bindings() == [(KEY, "2", True)]


def test_a_key_is_the_others_too_when_a_later_pull_gives_that_one(one):
    one.pull([KEYLESS], kind="sync", asked=2)
    one.pull([SUCCESSOR], kind="sync", asked=3)
    one.pull([KEYLESS], kind="sync", asked=4)
    assert one.canonical("sku, title") == [("A", "new")]
    assert one.quarantined() == {'{"id":"1"}': ["sku: is empty"]}


def test_a_key_that_one_record_no_longer_names_is_not_the_others_that_is_out_of_use(one):
    one.pull([KEYLESS, {**SUCCESSOR, "live": False}], kind="sync", asked=2)
    assert one.canonical("sku") == []


def test_a_record_without_the_key_it_had_leaves_deletes_on(one):
    assert [one.pull([KEYLESS, SUCCESSOR], asked=minute).deletes_off for minute in (2, 3)] == [None, None]


# A full pull began before a sync and ended after it: what it read is older.

OLDER = {"kind": "full", "started": 5, "asked": 6}


def test_an_older_reading_does_not_take_an_id_back_to_the_key_it_had(one):
    one.pull([{"id": 1, "sku": "B"}], kind="sync", asked=10)
    one.pull([{"id": 1, "sku": "A"}], **OLDER)
    assert one.bindings() == [('{"sku":"B"}', "1", True)]


def test_an_older_reading_makes_no_rival_of_a_record_that_gave_up_its_key(one):
    one.pull([{"id": 1, "sku": "B"}, {"id": 2, "sku": "A"}], kind="sync", asked=10)
    one.pull([{"id": 1, "sku": "A"}], **OLDER)
    one.pull([SUCCESSOR], kind="sync", asked=11)
    assert one.quarantined() == {}
    assert ("A", "new") in one.canonical("sku, title")


def test_an_older_reading_makes_no_rival_of_a_record_that_has_no_key_since(one):
    one.pull([KEYLESS, SUCCESSOR], kind="sync", asked=10)
    one.pull([{"id": 1, "sku": "A"}], **OLDER)
    assert one.bindings() == [(KEY, "2", True)]


def test_an_older_reading_without_a_key_gives_up_none_that_was_named_since(one):
    one.pull([{"id": 1, "sku": "A", "title": "new"}, {"id": 2, "sku": "B"}], kind="sync", asked=10)
    one.pull([KEYLESS, {"id": 2, "sku": "A"}], **OLDER)
    assert one.bindings() == [(KEY, "1", True), ('{"sku":"B"}', "2", True)]
    assert (one.canonical("sku, title")[0], one.quarantined()) == (("A", "new"), {})


def test_an_older_reading_does_not_bring_back_what_went_out_of_use(one):
    one.pull([{"id": 1, "sku": "A", "live": False}], kind="sync", asked=10)
    one.pull([{"id": 1, "sku": "A"}], **OLDER)
    assert one.bindings() == [(KEY, "1", False)]


def test_an_older_reading_does_not_undo_what_a_later_one_confirmed(one):
    one.pull([{"id": 1, "sku": "A"}], kind="sync", asked=10)
    one.pull([{"id": 1, "sku": "A", "live": False}], **OLDER)
    assert one.bindings() == [(KEY, "1", True)]


@pytest.mark.parametrize("later", [{"sku": "A", "price": "x"}, {"sku": None}])
def test_an_older_reading_does_not_take_back_that_a_record_cannot_be_read(one, later):
    one.pull([{"id": 1, **later}], kind="sync", asked=10)
    one.pull([{"id": 1, "sku": "A", "price": "1"}], **OLDER)
    assert (one.canonical("sku"), list(one.quarantined())) == ([], [KEY])


def test_an_unreadable_record_stands_in_the_quarantine_once_with_its_newest_reasons(one):
    one.pull([{"id": 1, "sku": None}], kind="sync", asked=10)
    one.pull([{"id": 1, "sku": "A", "price": "x"}], **OLDER)
    assert one.rows("SELECT reasons FROM quarantine") == [(["sku: is empty"],)]


def test_a_full_pull_speaks_for_what_was_quarantined_before_it_began(one):
    one.pull([{"id": 1, "sku": "A", "price": "x"}], kind="sync", asked=4)
    one.pull([{"id": 2, "sku": "B"}], **OLDER)
    assert one.quarantined() == {}
