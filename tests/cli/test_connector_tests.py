"""``pullpush connectors test``, over the example of a connector of one's own."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from pullpush_dagster.cli import main

EXAMPLE = Path(__file__).parents[2] / "examples" / "stockroom"
SAMPLES = "resources/connectors/samples/stockroom.yaml"


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the example."""
    shutil.copytree(EXAMPLE, tmp_path / "project")
    monkeypatch.setenv("PULLPUSH_PROJECT", str(tmp_path / "project"))
    return tmp_path / "project"


@pytest.fixture
def tested() -> Callable[..., Result]:
    return lambda *options: CliRunner().invoke(main, ["connectors", "test", "stockroom", *options])


def _changed(file: Path, old: str, new: str) -> None:
    text = file.read_text(encoding="utf-8")
    assert old in text
    file.write_text(text.replace(old, new), encoding="utf-8")


def test_a_connector_that_does_what_its_samples_say_passes(project: Path, tested: Callable[..., Result]) -> None:
    result = tested()

    assert result.exit_code == 0, result.output
    assert "none of them not so" in result.output


def test_a_wrong_fact_fails_and_is_told(project: Path, tested: Callable[..., Result]) -> None:
    _changed(project / "resources/connectors/stockroom.yaml", ", unknown_unless: {item.counted: true}", "")

    result = tested("--json")

    assert result.exit_code == 1
    wrong = [one for one in json.loads(result.output) if one["problems"]]
    assert [one["check"] for one in wrong] == ["pull: the answers mean these rows"]
    assert "A-3" in wrong[0]["problems"][0]


def test_a_request_that_is_not_the_samples_fails(project: Path, tested: Callable[..., Result]) -> None:
    _changed(project / SAMPLES, "{id: 2, free: 7}", "{id: 2, free: 8}")

    result = tested()

    assert result.exit_code == 1
    assert "expected 8, got 7" in result.output


def test_a_samples_file_of_another_form_is_told_where(project: Path, tested: Callable[..., Result]) -> None:
    _changed(project / SAMPLES, "outcomes: [waiting]", "outcome: [waiting]")

    result = tested()

    assert result.exit_code == 1
    assert "stockroom.yaml entities.stocklevel.push.1.outcome" in result.output


def test_without_samples_it_says_where_they_belong(project: Path, tested: Callable[..., Result]) -> None:
    (project / SAMPLES).unlink()

    result = tested()

    assert result.exit_code == 1
    assert "there are no samples of stockroom at resources/connectors/samples/stockroom.yaml" in result.output


def test_a_built_in_connector_says_where_its_samples_are(project: Path) -> None:
    result = CliRunner().invoke(main, ["connectors", "test", "woocommerce"])

    assert result.exit_code == 1
    said = "those of built-in connectors are in the sources, tests/connectors/samples; --samples FILE names one"
    assert said in result.output


def test_a_connector_that_is_none_is_told_with_those_there_are(project: Path) -> None:
    result = CliRunner().invoke(main, ["connectors", "test", "nosuch"])

    assert result.exit_code == 1
    assert "there is no connector 'nosuch'; there are bigcommerce, " in result.output
