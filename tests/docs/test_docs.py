"""What the pages say is so: commands, options, files, links, pictures, versions."""

import re
import tomllib

import click
import pytest
from click.testing import CliRunner

from pullpush_dagster.cli import main
from pullpush_dagster.config import Project
from pullpush_dagster.explain import explain
from pullpush_dagster.status import sync_status
from pullpush_dagster.store.overview import ROUND_COLUMNS
from tests.docs.conftest import PAGES, ROOT

_LINK = re.compile(r"\]\(([^)\s]+)\)")
_HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
_HERE = ("http://127.0.0.1", "https://shop.example", "https://stockroom.example")


def _anchor(heading):
    return re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-")


def test_every_make_command_is_a_target(docs):
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))
    named = {command.split()[0] for command in docs.commands("make")}
    assert {"demo", "test", "check", "bench", "ui"} <= named
    assert named <= targets


def test_every_pullpush_command_exists_with_its_options(docs):
    for line in docs.commands("pullpush"):
        name, *rest = line.split()
        assert name in main.commands, line
        options = {option for parameter in main.commands[name].params for option in parameter.opts}
        assert {word for word in rest if word.startswith("--")} <= options | {"--help"}, line


def test_every_pullpush_command_has_its_line_in_the_readme(docs):
    spans = re.findall(r"^\| `pullpush (\w+)", docs.pages["README.md"], re.MULTILINE)
    assert set(spans) == set(main.commands)


def test_a_pullpush_command_in_the_readme_names_its_arguments(docs):
    for line in re.findall(r"^\| `pullpush ([\w ]+)`", docs.pages["README.md"], re.MULTILINE):
        name, *given = line.split()
        arguments = [each for each in main.commands[name].params if isinstance(each, click.Argument)]
        assert given == [argument.make_metavar(click.Context(main)) for argument in arguments]


@pytest.mark.parametrize("command", [["--help"], *([name, "--help"] for name in sorted(main.commands))])
def test_every_command_has_help(command):
    assert CliRunner().invoke(main, command).exit_code == 0


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
