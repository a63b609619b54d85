"""A project's files are checked against each other; every complaint names file, line and key, and what is allowed."""

import pytest

from pullpush_dagster.config import Project
from pullpush_dagster.errors import ConfigError

ERP = """\
connection: erp
connector: odoo
settings: {base_url: "http://erp.example"}
secrets: {api_key: ERP_API_KEY}
"""
SHOP = """\
connection: shop
connector: woocommerce
settings: {base_url: "https://shop.example"}
secrets: {key: SHOP_KEY, secret: SHOP_SECRET}
"""
PULL = """\
type: pullpush_dagster.Pull
attributes:
  connection: erp
  entity: stocklevel
  partitions: {by: locationId, values: [WH]}
"""
PUSH = """\
type: pullpush_dagster.Push
attributes:
  name: stock_to_shop
  from: erp/stocklevel
  to: shop
"""


@pytest.fixture
def project(tmp_path):
    """Writes files, by default those of a project without a fault, and gives the project."""

    def write(*syncs, erp=ERP, shop=SHOP, **connectors):
        (tmp_path / "assets" / "stock").mkdir(parents=True)
        (tmp_path / "resources" / "connectors").mkdir(parents=True)
        (tmp_path / "assets" / "stock" / "defs.yaml").write_text("---\n".join(syncs or (PULL, PUSH)))
        (tmp_path / "resources" / "erp.yaml").write_text(erp)
        (tmp_path / "resources" / "shop.yaml").write_text(shop)
        for name, text in connectors.items():
            (tmp_path / "resources" / "connectors" / f"{name}.yaml").write_text(text)
        return Project.at(tmp_path)

    return write


def test_a_good_project_has_no_problems(project):
    assert project().problems() == []


def test_an_empty_project_has_no_problems(tmp_path):
    assert Project.at(tmp_path).problems() == []


def test_the_shipped_project_has_no_problems():
    assert Project.find().problems() == []


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
        (ERP.replace("connection: erp", "connection: My ERP"), "resources/erp.yaml:1 connection: String should match"),
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
            PULL.replace("values: [WH]", "start: 2026-02-30"),
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
        ("type: pullpush_dagster.Pull\n", "assets/stock/defs.yaml:1 connection: is required"),
        ("type: pullpush_dagster.Pull\nattributes: erp\n", "assets/stock/defs.yaml:2 must be keys with values"),
        (PULL.replace("[WH]", "[no]"), "assets/stock/defs.yaml:5 partitions.values.0: Input should be a valid string"),
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
        "resources/erp.yaml:2 extra: is not known here; allowed: connection, connector, settings, secrets",
    ]


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


# Files against each other.


def test_an_unknown_connector_is_told_with_those_there_are(project):
    (problem, *_) = project(erp=ERP.replace("odoo", "oddo")).problems()
    assert problem == "resources/erp.yaml:2 connector: there is no connector 'oddo'; there are odoo, woocommerce"


def test_a_setting_the_connector_needs_is_told(project):
    (problem,) = project(erp=ERP.replace("settings:", "settings: {} #")).problems()
    assert problem == "resources/erp.yaml:3 settings.base_url: is required"


def test_a_setting_the_connector_does_not_know_is_told(project):
    (problem,) = project(erp=ERP.replace("base_url:", "base: x, base_url:")).problems()
    assert problem == "resources/erp.yaml:3 settings.base: is not known; allowed: base_url, database, guest_partner"


def test_a_secret_the_connector_needs_is_told(project):
    (problem,) = project(shop=SHOP.replace("key: SHOP_KEY, ", "")).problems()
    assert problem == "resources/shop.yaml:4 secrets.key: is required"


def test_two_connections_of_one_name_are_told(project):
    assert project(shop=ERP).problems()[0] == "resources/shop.yaml:1 connection: is also in resources/erp.yaml"


def test_a_pull_of_an_unknown_connection_is_told(project):
    (problem,) = project(PULL.replace("erp", "epr")).problems()
    assert problem == "assets/stock/defs.yaml:3 connection: there is no connection 'epr'; there are erp, shop"


def test_a_pull_of_an_unknown_entity_is_told(project):
    (problem,) = project(PULL.replace("stocklevel", "stock")).problems()
    assert problem.startswith("assets/stock/defs.yaml:4 entity: is not one of stocklevel, order, product")


def test_a_pull_of_what_the_platform_does_not_carry_is_told(project):
    (problem,) = project(PULL.replace("stocklevel", "call")).problems()
    assert problem == "assets/stock/defs.yaml:4 entity: odoo has no call; it has product, stocklevel, order"


def test_days_on_a_source_without_a_filter_are_refused(project):
    (problem, *_) = project(PULL.replace("{by: locationId, values: [WH]}", "{by: day, start: 2026-01-01}")).problems()
    assert problem.startswith("assets/stock/defs.yaml:5 partitions.by: day needs a filter by modified stamp")


def test_a_scope_the_platform_cannot_be_asked_for_is_refused(project):
    pull = PULL.replace("stocklevel", "product")
    (problem,) = project(pull).problems()
    assert problem == "assets/stock/defs.yaml:5 partitions.by: cannot be asked for one by one; allowed: day"


def test_a_platform_asked_per_scope_needs_the_scopes(project):
    (problem,) = project(PULL.replace("  partitions: {by: locationId, values: [WH]}\n", "")).problems()
    assert "partitions: is required: by: locationId" in problem


def test_two_pulls_of_one_name_are_told(project):
    (problem,) = project(PULL, PULL, PUSH).problems()
    assert problem == "assets/stock/defs.yaml:9 connection: there are two pulls erp/stocklevel; give one `as: NAME`"


def test_a_second_pull_under_another_name_is_fine(project):
    assert project(PULL, PULL + "  as: again\n", PUSH).problems() == []


def test_two_pushes_of_one_name_are_told(project):
    (problem,) = project(PULL, PUSH, PUSH).problems()
    assert problem == "assets/stock/defs.yaml:15 name: there are two syncs stock_to_shop"


def test_a_push_from_a_pull_that_does_not_exist_is_told(project):
    (problem,) = project(PULL, PUSH.replace("erp/stocklevel", "erp/stock")).problems()
    assert problem == "assets/stock/defs.yaml:10 from: erp/stock is not a pull; there are erp/stocklevel"


def test_a_push_to_a_connection_that_does_not_exist_is_told(project):
    (problem,) = project(PULL, PUSH.replace("to: shop", "to: shpo")).problems()
    assert problem == "assets/stock/defs.yaml:11 to: is no connection; there are erp, shop"


def test_a_push_to_a_platform_that_cannot_be_sent_it_is_told(project):
    (problem,) = project(PULL, PUSH.replace("to: shop", "to: erp")).problems()
    assert problem == "assets/stock/defs.yaml:11 to: odoo cannot be sent a stocklevel"


def test_a_push_that_mixes_entities_is_told(project):
    product = "type: pullpush_dagster.Pull\nattributes: {connection: erp, entity: product}\n"
    (problem,) = project(PULL, product, PUSH.replace("erp/stocklevel", "[erp/stocklevel, erp/product]")).problems()
    assert "from: mixes product, stocklevel; a push carries one entity" in problem


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ("only: {location: [WH]}", "only.location: is not one of sku, locationId, quantity, updatedAt"),
        ("translate: {quantity: {a: b}}", "translate.quantity: is not one of sku, locationId"),
    ],
)
def test_a_push_by_a_field_that_is_none_is_told(project, line, complaint):
    (problem,) = project(PULL, f"{PUSH}  {line}\n").problems()
    assert problem == f"assets/stock/defs.yaml:12 {complaint}"


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
