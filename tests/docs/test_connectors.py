"""The pages about connectors are what their files say now; `make connector-docs` writes them."""

import pytest

from pullpush_dagster.canonical import ENTITIES
from pullpush_dagster.connectors.loading import connector_names
from pullpush_dagster.listing import built_in
from pullpush_dagster.listing.pages import pages, with_table, write
from tests.docs.conftest import ROOT

LISTINGS = built_in()
FOLDER = ROOT / "docs" / "connectors"


@pytest.mark.parametrize("name", ["README", *connector_names()])
def test_the_page_of_a_connector_is_what_its_file_says(name):
    there = (FOLDER / f"{name}.md").read_text(encoding="utf-8")
    assert there == pages(LISTINGS)[f"{name}.md"], "make connector-docs"


def test_there_is_no_page_without_a_connector():
    assert {page.stem for page in FOLDER.iterdir()} == {"README", *connector_names()}


def test_the_table_of_platforms_in_the_readme_is_what_their_files_say(docs):
    text = docs.pages["README.md"]
    assert with_table(text, LISTINGS) == text, "make connector-docs"


def test_the_table_of_platforms_has_a_column_for_each_entity(docs):
    (head,) = [line for line in docs.pages["README.md"].splitlines() if line.startswith("| platform | ")]
    assert head == f"| platform | {' | '.join(ENTITIES)} |"


def test_writing_the_pages_takes_away_those_of_connectors_that_are_gone(tmp_path):
    readme = tmp_path / "README.md"
    readme.write_text("")
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs" / "gone.md").write_text("")
    write(LISTINGS, tmp_path / "docs", readme)
    assert sorted(page.name for page in (tmp_path / "docs").iterdir()) == sorted(pages(LISTINGS))
