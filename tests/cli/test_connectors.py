"""``pullpush connectors``: what each platform can do, told to people and to programs."""

import json
import re

import pytest

from pullpush_dagster.connectors.loading import connector_names

OWN = """
connector: depot
title: The depot
docs: Depot API, version 1
version: v1
base_url: "{settings.base_url}"
settings: [base_url]
optional_settings: [site]
defaults: {site: MAIN}
secrets: [key]
auth: {type: header, header: X-Key, token: "{secret.key}"}
limits: {concurrency: 2, rate: {requests: 150, seconds: 60, burst: 10}, throttled: [429]}
credentials: Ask whoever runs the depot.
caveats: [It sleeps at night.]
entities:
  stocklevel:
    pull:
      get: /levels
      query: {since: "{since}", after: "{after}"}
      walks: {all: {stamp: item.changed}}
      since: {format: "%Y-%m-%d", operator: from}
      pages: {style: keyset, after: item.id, size: 200}
    canonical_map: {sku: item.sku, locationId: item.place, quantity: item.free}
    push:
      find: {get: /levels, query: {skus: "{keys:text}"}, field: sku, match: item.sku, batch: 40}
      update: [{post: /levels, at: rows, record: {id: "{binding.id}", free: "{quantity}"}}]
      batch: 80
    spec: depot/v1.json
    verified: seen on 1.0, November 2026
    caveats: [It counts in pairs.]
  product:
    pull: {get: /products, pages: {style: none}}
    canonical_map: {sku: item.sku}
    spec: none
    verified: "no"
  invoice:
    refused: {pull: The depot writes no invoices., push: The depot reads no invoices.}
"""


@pytest.fixture
def depot(world):
    """A connector of the project's own."""
    folder = world.project.root / "resources" / "connectors"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "depot.yaml").write_text(OWN)


def _told(run, *arguments):
    result = run("connectors", *arguments, "--json")
    assert result.exit_code == 0, result.output
    return json.loads(result.output)


def _of(listing, name):
    (found,) = [one for one in listing if one["connector"] == name]
    return found


def test_every_connector_is_listed(run, depot):
    assert [one["connector"] for one in _told(run)] == sorted([*connector_names(), "depot"])


def test_a_connector_says_where_it_is_from(run, depot):
    homes = {one["connector"]: one["home"] for one in _told(run)}
    assert (homes["odoo"], homes["depot"]) == ("built in", "own")


def test_an_entity_says_how_it_is_pulled_and_pushed(run, depot):
    entities = _of(_told(run), "depot")["entities"]
    ways = {name: (one["pull"], one["push"]) for name, one in entities.items()}
    assert ways == {"stocklevel": ("cursor", ["update"]), "product": ("full", []), "invoice": (None, [])}


def test_what_is_not_verified_or_has_no_spec_is_counted_without_what_is_refused(run, depot):
    one = _of(_told(run), "depot")
    assert (one["unverified"], one["uncovered"]) == (["product"], ["product"])


def test_limits_are_told_in_words(run, depot):
    assert _of(_told(run), "depot")["limits"] == [
        "2 at once",
        "150 per minute, in bursts of 10",
        "slower when told 429",
    ]


def test_the_table_has_a_row_for_each_connector_and_a_line_for_each_entity(run, depot):
    lines = run("connectors").output.splitlines()
    assert any(re.search(r"depot +│ stocklevel +│ cursor +│ yes +│ yes +│ seen", line) for line in lines)
    assert any(re.search(r"The depot +│ product +│ full +│ no +│ no +│ no", line) for line in lines)
    assert re.match(r"\d+ connectors, \d+ entities: \d+ seen on a real account, \d+ not verified, ", lines[-1])


def test_one_connector_is_told_in_full(run, depot):
    text = run("connectors", "depot").output
    for said in (
        "pull: cursor; keyset, 200 each; by item.changed",
        "push: update; 80 a request",
        "look-ups: itself by sku, 40 at once",
        "pull: no: The depot writes no invoices.",
        "the header X-Key",
        "Ask whoever runs the depot.",
        "site, optional, MAIN unless said",
        "It sleeps at night.",
        "It counts in pairs.",
        "depot/v1.json",
    ):
        assert said in text, said


def test_one_connector_is_told_to_programs_in_full(run, depot):
    one = _told(run, "depot")
    assert (one["secrets"], one["settings"], one["optional_settings"]) == (["key"], ["base_url"], {"site": "MAIN"})
    assert one["entities"]["stocklevel"]["lookups"] == ["itself by sku, 40 at once"]
    assert one["entities"]["invoice"]["refused"] == {
        "pull": "The depot writes no invoices.",
        "push": "The depot reads no invoices.",
    }


def test_a_platform_that_a_connection_describes_is_listed_by_the_connections_name(world, run):
    # given
    api = "\n".join(f"  {line}" for line in OWN.splitlines() if not line.startswith("connector:"))
    connection = f"connection: yard\nconnector: rest\nsettings: {{base_url: 'https://yard.example'}}\napi:{api}\n"
    (world.project.root / "resources" / "yard.yaml").write_text(connection)
    # when
    one = _told(run, "yard")
    # then
    assert (one["home"], one["title"], list(one["entities"])) == (
        "connection",
        "The depot",
        ["stocklevel", "product", "invoice"],
    )


def test_an_unknown_name_is_answered_with_those_there_are(run):
    result = run("connectors", "odo")
    assert result.exit_code == 1
    assert "there is no connector 'odo'; there are " in result.output
