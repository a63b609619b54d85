"""A project's files, each by itself; every complaint names file, line and key, and what is allowed."""

import re

import pytest

from pullpush_dagster.config import Project
from pullpush_dagster.errors import ConfigError
from tests.unit.config.conftest import ERP, PULL, PUSH, SHOP


def test_a_good_project_has_no_problems(project):
    assert project().problems() == []


def test_an_empty_project_has_no_problems(tmp_path):
    assert Project.at(tmp_path).problems() == []


def test_the_shipped_project_has_no_problems():
    assert Project.find().problems() == []


def test_a_variable_that_names_no_project_is_not_taken_for_one_in_which_all_is_well(tmp_path, monkeypatch):
    monkeypatch.setenv("PULLPUSH_PROJECT", str(tmp_path / "typo"))
    with pytest.raises(ConfigError, match=r"^PULLPUSH_PROJECT is /.*/typo, where neither assets/ nor resources/ is$"):
        Project.find()


def test_state_lies_in_the_project_unless_a_variable_says_where(tmp_path, monkeypatch):
    monkeypatch.delenv("PULLPUSH_DATA", raising=False)
    assert Project.at(tmp_path).state == tmp_path / "data"
    monkeypatch.setenv("PULLPUSH_DATA", str(tmp_path / "elsewhere"))
    assert Project.at(tmp_path).state == tmp_path / "elsewhere"


# One file by itself.


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        (
            ERP + "setings: {}\n",
            "resources/erp.yaml:5 setings: is not known here; allowed: connection, connector, settings",
        ),
        (ERP.replace("connector: odoo\n", ""), "resources/erp.yaml:1 connector: is required"),
        (ERP.replace("odoo", "[odoo]"), "resources/erp.yaml:2 connector: Input should be a valid string"),
        (ERP + "connector: odoo\n", "resources/erp.yaml:5 connector: is here twice"),
        (ERP + "x: [1\n", "resources/erp.yaml:6 expected ',' or ']'"),
        (
            ERP.replace("connection: erp", "connection: My ERP"),
            "resources/erp.yaml:1 connection: may have small letters, digits and _, and begins with a letter",
        ),
        (ERP + "---\nconnection: two\n", "resources/erp.yaml:6 connector: is required"),
    ],
    ids=["unknown key", "missing key", "wrong type", "duplicate key", "bad YAML", "bad name", "second document"],
)
def test_a_fault_in_a_connection_is_told_with_file_line_and_key(project, text, complaint):
    problems = project(erp=text).problems()
    assert problems[0].startswith(complaint), problems


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        (
            PULL.replace("entity", "entitty"),
            "assets/stock/defs.yaml:4 entitty: is not known here; allowed: connection, ent",
        ),
        (
            PULL.replace("values: [default]", "start: 2026-02-30"),
            "assets/stock/defs.yaml:5 partitions.start: Input should be",
        ),
        (PULL + "  every: 10\n", "assets/stock/defs.yaml:6 every: 10 is not a duration such as 15m, 1h or 1d"),
        (
            PULL + "  guard: {deleted: 0}\n",
            "assets/stock/defs.yaml:6 guard.deleted: 0 is not a share such as 10%, nor off",
        ),
        (
            PULL + "  guard: {zeored: 5%}\n",
            "assets/stock/defs.yaml:6 guard.zeored: is not known here; allowed: deleted, zer",
        ),
        (
            "type: pullpush_dagster.Pull\n",
            "assets/stock/defs.yaml:1 attributes: nothing stands under it; indent connection, entity and what else",
        ),
        (
            "type: pullpush_dagster.Push\nattributes:\nname: x\nfrom: erp/stocklevel\nto: shop\n",
            "assets/stock/defs.yaml:2 attributes: nothing stands under it; indent name, from, to and what else",
        ),
        ("type: pullpush_dagster.Pull\nattributes: erp\n", "assets/stock/defs.yaml:2 must be keys with values"),
        (
            PULL.replace("[default]", "[no]"),
            "assets/stock/defs.yaml:5 partitions.values.0: Input should be a valid string",
        ),
    ],
)
def test_a_fault_in_a_sync_is_told_with_file_line_and_key(project, text, complaint):
    problems = project(text).problems()
    assert any(problem.startswith(complaint) for problem in problems), problems


def test_a_second_document_has_its_own_lines(project):
    required, unknown = project(PULL, PUSH.replace("to: shop", "too: shop")).problems()
    assert required == "assets/stock/defs.yaml:8 to: is required"
    assert unknown.startswith("assets/stock/defs.yaml:11 too: is not known here; allowed: name, from, to, only")


def test_other_peoples_components_are_none_of_our_business(project):
    assert project("type: acme.Report\nattributes: {whatever: true}\n").problems() == []


def test_a_file_that_is_no_text_is_told(project, tmp_path):
    made = project()
    (tmp_path / "resources" / "erp.yaml").write_bytes(b"connection: \xff\xfe")
    assert made.problems()[0] == "resources/erp.yaml:1 is not UTF-8 text"


def test_all_faults_of_a_file_are_told_at_once(project):
    problems = project(erp="connection: erp\nextra: 1\n").problems()
    assert problems[:2] == [
        "resources/erp.yaml:1 connector: is required",
        "resources/erp.yaml:2 extra: is not known here; allowed: connection, connector, settings, api, secrets",
    ]


def test_what_cannot_be_read_hides_no_other_fault(project, tmp_path):
    made = project(PULL.replace("entity:", "entty:"), PUSH.replace("from:", "form:"), erp="]", shop=SHOP + "extra: 1\n")
    (tmp_path / "assets" / "prices").mkdir()
    (tmp_path / "assets" / "prices" / "defs.yaml").write_text(PUSH.replace("to:", "too:"))
    assert [re.sub(r":\d+ (\w+):?.*", r" \1", problem) for problem in made.problems()] == [
        "resources/erp.yaml expected", "resources/shop.yaml extra", "assets/prices/defs.yaml to",
        "assets/prices/defs.yaml too", "assets/stock/defs.yaml entity", "assets/stock/defs.yaml entty",
        "assets/stock/defs.yaml from", "assets/stock/defs.yaml form",
    ]  # fmt: skip


# Secrets in files.


@pytest.mark.parametrize(
    "line",
    [
        "secrets: {api_key: hunter2-canary}",
        "secrets: hunter2-canary",
        "settings: {api_key: hunter2-canary}",
        'settings: {base_url: "https://me:hunter2-canary@erp.example"}',
        "secrets: {api_key: *hunter2-canary}",
        "secrets: {api_key: !hunter2-canary}",
        "secret: hunter2-canary",
        "secrets: {api_key: @hunter2-canary}",
        "secrets: {api_key: [hunter2-canary]}",
    ],
)
def test_a_literal_secret_is_refused_without_showing_it(project, line):
    problems = project(erp=f"connection: erp\nconnector: odoo\n{line}\n").problems()
    assert problems
    assert "hunter2" not in "".join(problems)


# Asked for by name.


def test_what_is_not_there_is_refused_with_what_is(project):
    made = project()
    for ask, message in (
        (lambda: made.connection("epr"), "there is no connection 'epr'; there are erp, shop"),
        (lambda: made.pull("erp/stock"), "there is no pull 'erp/stock'; there are erp/stocklevel"),
        (lambda: made.push("stock"), "there is no sync 'stock'; there are stock_to_shop"),
    ):
        with pytest.raises(ConfigError) as refusal:
            ask()
        assert str(refusal.value) == message


def test_a_push_carries_the_entity_of_its_pulls(project):
    made = project()
    assert made.entity_of(made.push("stock_to_shop")).name == "stocklevel"


def test_a_connector_of_the_projects_own_wins_over_a_built_in_one(project):
    own = """\
connector: odoo
title: Our Odoo
docs: our own
base_url: "{settings.base_url}"
settings: [base_url]
secrets: [api_key]
auth: {type: bearer, token: "{secret.api_key}"}
entities: {}
"""
    assert project(odoo=own).connector("erp").facts.title == "Our Odoo"


def test_a_fault_in_a_connector_of_the_projects_own_names_its_file_and_line(project):
    problems = project(odoo="connector: odoo\ntitel: Ours\n").problems()
    assert any("odoo.yaml:2 titel: is not known here" in problem for problem in problems)
