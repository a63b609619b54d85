"""Every YAML block parses with the project's own loaders, and every table of keys has exactly the model's keys."""

import re
import shutil

import duckdb
import pytest
from pydantic import BaseModel

from pullpush_dagster.audit.guard import Counts, breaches
from pullpush_dagster.canonical import ENTITIES
from pullpush_dagster.canonical.field_map import Case, FieldMap, Times
from pullpush_dagster.config import Connection, Project, Pull, Push
from pullpush_dagster.config.sync import Guard, Partitions
from pullpush_dagster.connectors import (
    auth_model,
    bulk_model,
    envelope_model,
    limits_model,
    look_up_model,
    model,
    push_model,
    request,
    write_model,
)
from pullpush_dagster.connectors.forms import FORMS
from pullpush_dagster.connectors.loading import described_connector
from pullpush_dagster.connectors.yaml_source import Source, parse
from pullpush_dagster.store.schema import create_tables
from tests.docs.conftest import ROOT, read_docs

_DOCS = read_docs()
_PATH = re.compile(r"# (\S+\.yaml)\n")
_SYNC_MODELS = [Connection, Pull, Push, Partitions, Guard]
_FACTS = [
    model.ConnectorFile, auth_model.Auth, auth_model.Login, auth_model.Csrf, envelope_model.Envelope,
    bulk_model.Bulk, limits_model.Limits, limits_model.Rate,
    limits_model.Cost, limits_model.Errors, model.EntityFacts, model.Refused, model.PullFacts, request.Request,
    request.Text, Times, Case, model.Pages, model.Since, model.Walk, model.Scope, model.Count, model.Binding, FieldMap,
    push_model.PushFacts, look_up_model.LookUp, look_up_model.Find, write_model.Write, push_model.Reference,
    push_model.Lines,
    push_model.Actions, push_model.Action, write_model.Match, write_model.Failures, write_model.Job, push_model.Also,
]  # fmt: skip
_MODELS = {one.__name__: one for one in [*_SYNC_MODELS, *_FACTS]}

# Words that are no name for the thing in their row, and are the name of another thing elsewhere.
_OTHER_MEANING = {"target", "status", "result", "state", "origin"}


def keys_of(one: type[BaseModel]) -> set[str]:
    """The keys a file may use for a model."""
    return {field.alias or name for name, field in one.model_fields.items()}


def own_keys(one: type[BaseModel]) -> set[str]:
    """Those that its table tells: what every request or look-up has is told once, where requests and look-ups are."""
    inherited = set().union(*(keys_of(base) for base in one.__mro__[1:] if base in _MODELS.values()))
    return keys_of(one) - (inherited - set(one.__annotations__))


@pytest.mark.parametrize("block", _DOCS.blocks("yaml"), ids=str)
def test_every_yaml_block_is_a_file_the_project_takes(block, tmp_path):
    named = _PATH.match(block.text)
    assert named, "say which file it is in its first line"
    text = block.text[named.end() :]
    if named[1].startswith("examples/"):
        assert text == (ROOT / named[1]).read_text(encoding="utf-8")
        return
    (tmp_path / "resources").mkdir()
    for document in Source(named[1], text).documents():
        if named[1].startswith("resources/"):
            parse(Connection, document)
        else:
            declared = {"pullpush_dagster.Pull": Pull, "pullpush_dagster.Push": Push}[document.data["type"]]
            parse(declared, document.at("attributes"))


def test_the_blocks_of_the_readme_make_a_project(tmp_path, docs):
    shutil.copytree(ROOT / "resources", tmp_path / "resources")
    for block in docs.blocks("yaml"):
        named = _PATH.match(block.text)
        if block.page == "README.md":
            (tmp_path / named[1]).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / named[1]).write_text(block.text)
    assert Project(tmp_path, tmp_path / "data").problems() == []


@pytest.mark.parametrize("name", sorted(_MODELS))
def test_a_table_of_keys_has_all_keys_of_its_model_and_no_other(docs, name):
    told = {key for row in docs.table("keys", name) for key in re.findall(r"`([^`]+)`", row[0])}
    assert told == own_keys(_MODELS[name])


def test_every_table_of_keys_is_about_a_model(docs):
    assert {name for _, kind, name, _ in docs.tables() if kind == "keys"} == set(_MODELS)


def test_the_forms_of_placeholders_are_those_there_are(docs):
    told = [name for row in docs.table("forms", "all") for name in re.findall(r"`(\w+)`", row[0])]
    assert sorted(told) == sorted(FORMS)


def test_the_warehouse_that_is_described_in_a_connection_is_the_beginning_of_the_example():
    (block,) = [one for one in _DOCS.blocks("yaml") if one.text.startswith("# resources/yard.yaml\n")]
    text = block.text.partition("\n")[2]
    assert (ROOT / "examples/warehouse/resources/yard.yaml").read_text(encoding="utf-8").startswith(text)
    assert len(text.splitlines()) <= 60
    (document,) = Source("yard.yaml", text).documents()
    yard = described_connector("rest", document.at("api"))
    assert (yard.facts.entities["stocklevel"].pull.walk, yard.push("stocklevel").batch) == ("cursor", 100)


@pytest.mark.parametrize("entity", sorted(ENTITIES))
@pytest.mark.parametrize("row", _DOCS.table("keys", "Guard"), ids=lambda row: row[0])
def test_a_default_of_the_guard_is_what_the_page_says(row, entity):
    name, share = row[0].strip("`"), int(re.match(r"(\d+)%", row[2])[1]) / 100
    off = entity in row[2].partition("off for")[2]
    if name == "price" and ENTITIES[entity].price is None:
        return  # nothing there to jump

    def touching(count):
        touched = {"missing" if name == "rows" else name: count}
        return breaches(entity, {}, Counts(10_000, **touched))

    assert touching(int(10_000 * share)) == []
    assert bool(touching(int(10_000 * share) + 1)) == (not off)


def test_the_tables_of_the_store_are_those_there_are(docs):
    with duckdb.connect(":memory:") as con:
        create_tables(con, new=True)
        there = {row[0] for row in con.execute("SELECT table_name FROM duckdb_tables()").fetchall()}
    told = {re.findall(r"`([^`]+)`", row[0])[0] for row in docs.table("store", "tables")}
    assert told == there | {"canonical_<entity>", "baseline_<entity>"}


def test_no_key_is_called_what_the_words_table_says_it_is_not(docs):
    words = {word.strip() for row in docs.table("words", "all") for word in row[2].split(",")} - {""}
    assert {"bookmark", "pipeline"} <= words
    keys = {key for one in _MODELS.values() for key in keys_of(one)}
    assert keys & words <= _OTHER_MEANING
