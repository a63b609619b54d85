"""What the pages say is so: commands, options, files, links, pictures, versions."""

import re
import tomllib
from dataclasses import fields

import click
import pytest
from click.testing import CliRunner

from pullpush_dagster.cli import main
from pullpush_dagster.config import Project
from pullpush_dagster.dev.__main__ import main as dev
from pullpush_dagster.explain import explain
from pullpush_dagster.sandbox.faults import Rules
from pullpush_dagster.status import sync_status
from pullpush_dagster.store.overview import ROUND_COLUMNS
from tests.docs.conftest import PAGES, ROOT

_LINK = re.compile(r"\]\(([^)\s]+)\)")
_HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
_HERE = (
    "http://127.0.0.1",
    "https://erp.example",
    "https://shop.example",
    "https://stockroom.example",
    "https://yard.example",
)


def _anchor(heading):
    return re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-")


def test_every_make_command_is_a_target(docs):
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = {command.split()[0] for command in docs.commands("make")}
    assert {"demo", "dev", "test", "check", "bench", "crash", "ui"} <= named
    assert named <= targets


def _named(words):
    """The command that ``words`` begin with, its name, and the other words."""
    found, rest = main, list(words)
    while isinstance(found, click.Group) and rest and rest[0] in found.commands:
        found = found.commands[rest.pop(0)]
    name = tuple(words[: len(words) - len(rest)])
    return (_unnamed(found) or found) if name else found, name, rest


def _unnamed(group):
    """The command of a group that is meant where none is named; None: there is none."""
    commands = group.commands.values() if isinstance(group, click.Group) else []
    return next((command for command in commands if command.hidden), None)


def _names(group=main, before=()):
    """Every command that is no group, as the words that name it."""
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from _names(command, (*before, name))
        elif command.hidden:
            yield before
        else:
            yield (*before, name)


def _rows_of_readme(docs):
    rows = re.findall(r"^\| `pullpush ([^`]+)`", docs.pages["README.md"], re.MULTILINE)
    return [_named(row.replace("\\|", "|").split()) for row in rows]


def test_every_pullpush_command_exists_with_its_options(docs):
    for line in docs.commands("pullpush"):
        command, name, rest = _named(line.split())
        assert name, line
        assert not (isinstance(command, click.Group) and rest), line
        options = {option for parameter in command.params for option in parameter.opts}
        assert {word for word in rest if word.startswith("--")} <= options | {"--help"}, line


def test_every_pullpush_command_has_its_line_in_the_readme(docs):
    assert {name for _, name, _ in _rows_of_readme(docs)} == set(_names())


def test_a_pullpush_command_in_the_readme_names_its_arguments(docs):
    for command, name, given in _rows_of_readme(docs):
        arguments = [each for each in command.params if isinstance(each, click.Argument)]
        assert " ".join(given) == " ".join(one.make_metavar(click.Context(command)) for one in arguments), name


def test_an_option_beside_a_pullpush_command_in_a_table_is_one_of_its_options(docs):
    for row in re.findall(r"^\| `pullpush .*$", "\n".join(docs.pages.values()), re.MULTILINE):
        command, _, _ = _named(re.match(r"\| `pullpush ([^`]+)`", row)[1].split())
        options = {option for parameter in command.params for option in parameter.opts}
        assert set(re.findall(r"`(--\w+)", row)) <= options, row


@pytest.mark.parametrize("command", [(), ("sandbox",), *sorted(_names())], ids=" ".join)
def test_every_command_has_help(command):
    assert CliRunner().invoke(main, [*command, "--help"]).exit_code == 0


def test_every_option_of_make_dev_exists(docs):
    text = "\n".join(docs.pages.values())
    (given,) = re.findall(r"-m pullpush_dagster\.dev (.*)", text)
    options = {option for parameter in dev.params for option in parameter.opts}
    assert set(re.findall(r"--\w+", given)) <= options


def test_the_rules_of_the_sandboxs_faults_are_those_there_are(docs):
    told = [name for row in docs.table("faults", "all") for name in re.findall(r"`(\w+)`", row[0])]
    assert sorted(told) == sorted(field.name for field in fields(Rules))
    text = "\n".join(docs.pages.values())
    used = {
        rule for line in re.findall(r"sandbox faults \w+ ([^`\n]+)", text) for rule in re.findall(r"([a-z_]+)=", line)
    }
    assert used <= set(told)


def test_the_ports_the_pages_name_are_those_of_the_connections(docs):
    named = {port for text in docs.pages.values() for port in re.findall(r"\b18\d{3}\b", text)}
    files = (ROOT / "resources").glob("*.yaml")
    assert named == {re.search(r"127\.0\.0\.1:(\d+)", file.read_text())[1] for file in files}


@pytest.mark.parametrize("page", [str(page.relative_to(ROOT)) for page in PAGES])
def test_every_relative_link_and_picture_leads_somewhere(docs, page):
    for target in _LINK.findall(docs.pages[page]):
        path, _, anchor = target.partition("#")
        found = (ROOT / page).parent / path if path else ROOT / page
        assert found.exists(), target
        if anchor:
            headings = _HEADING.findall(found.read_text(encoding="utf-8"))
            assert anchor in [_anchor(heading) for heading in headings], target


def test_every_picture_is_shown_and_small(docs):
    shown = {target.rsplit("/", 1)[-1] for text in docs.pages.values() for target in _LINK.findall(text)}
    for picture in (ROOT / "docs" / "images").iterdir():
        assert picture.name in shown
        assert picture.stat().st_size < 300_000


def test_every_picture_says_what_it_shows(docs):
    pictures = [found for text in docs.pages.values() for found in re.findall(r"!\[(.*)\]\((.+)\)", text)]
    assert len(pictures) >= 4
    assert [target for said, target in pictures if len(said.split()) < 5] == []


def test_every_file_named_in_a_span_exists(docs):
    paths = [span for span in docs.spans() if re.fullmatch(r"[\w./-]+/[\w.-]+\.(py|sql|yaml|md|png)", span)]
    names = [path for path in paths if "NAME" not in path]
    assert names
    assert [path for path in names if not (ROOT / path).exists()] == []


def test_every_folder_in_contributing_exists(docs):
    folders = re.findall(r"^(?:  )?([a-z_]+)/ ", docs.pages["CONTRIBUTING.md"], re.MULTILINE)
    assert "orchestration" in folders
    assert [
        name for name in folders if not ((ROOT / name).is_dir() or (ROOT / "pullpush_dagster" / name).is_dir())
    ] == []


def test_every_folder_of_tests_is_described(docs):
    described = set(re.findall(r"^\| `tests/(\w+)`", docs.pages["CONTRIBUTING.md"], re.MULTILINE))
    there = {path.parent.relative_to(ROOT / "tests").parts[0] for path in (ROOT / "tests").glob("*/**/test_*.py")}
    assert described == there


def test_every_promise_names_tests(docs):
    rows = re.findall(r"^\| \*\*.*$", docs.pages["README.md"], re.MULTILINE)
    assert len(rows) == 6
    assert all(re.search(r"\(tests/[\w/]+\.py\)", row) for row in rows)


def test_no_page_leads_to_another_machine(docs):
    for page, text in docs.pages.items():
        for url in re.findall(r"https?://[^\s\"'`)>]+", text):
            assert url.startswith(_HERE), f"{page}: {url}"


def test_the_changelog_has_this_version(docs):
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    assert re.search(rf"^## \[{re.escape(version)}\] - \d{{4}}-\d\d-\d\d$", docs.pages["CHANGELOG.md"], re.MULTILINE)


def test_the_licence_is_the_one_the_project_declares(docs):
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["license"]
    assert f"Licence: {declared}" in docs.pages["README.md"]
    assert "Version 2.0, January 2004" in (ROOT / "LICENSE").read_text()


def test_every_decision_says_context_decision_and_consequences(docs):
    decisions = {page: text for page, text in docs.pages.items() if page.startswith("docs/decisions/")}
    assert decisions
    for page, text in decisions.items():
        number = page.rsplit("/", 1)[-1][:4]
        assert text.startswith(f"# {number} "), page
        assert re.findall(r"^\*\*(\w+)\.\*\*", text, re.MULTILINE) == ["Context", "Decision", "Consequences"], page


@pytest.fixture
def empty(tmp_path):
    """The shipped project with an empty store."""
    return Project(ROOT, tmp_path)


def test_the_columns_of_status_are_explained_in_order(docs, empty):
    status = sync_status(empty, empty.push("stock_to_shop"))
    assert [row[0] for row in docs.table("columns", "status")] == list(status)


def test_the_stages_of_explain_are_told_in_order(docs, empty):
    story = explain(empty, empty.push("stock_to_shop"), "SKU-00002")
    assert [row[0] for row in docs.table("stages", "explain")] == list(story)


def test_the_columns_of_the_demo_are_outcomes_the_pages_explain(docs):
    told = docs.pages["docs/operate.md"] + docs.pages["docs/how-it-works.md"]
    assert [column for column in ROUND_COLUMNS if column not in told] == []
