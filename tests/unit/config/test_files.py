"""Files that would be ignored without a word: of no type, with keys in the wrong place, misnamed, empty."""

import pytest
from dagster.components.core.defs_module import ComponentFileModel

from pullpush_dagster.config.files import BESIDE
from tests.unit.config.conftest import PULL, PUSH, SHOP

DEFS = "assets/stock/defs.yaml"


@pytest.fixture
def beside(project, tmp_path):
    """The complaints about a good project with one more file in it."""

    def complaints(name, text):
        made = project()
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
        return made.problems()

    return complaints


def test_a_type_that_is_nearly_one_of_ours_is_told_with_those_there_are(project):
    (problem,) = project(PULL, PUSH, PUSH.replace("dagster.Push", "dagster.Psh")).problems()
    ours = "pullpush_dagster.Pull, pullpush_dagster.Push"
    assert problem == f"{DEFS}:13 type: pullpush_dagster.Psh is not one of {ours}"


@pytest.mark.parametrize(
    "text", ["attributes: {name: x}\n", "type:\n", "- type: pullpush_dagster.Pull\n", "some text\n"]
)
def test_a_component_without_a_type_is_told(project, text):
    (problem,) = project(text).problems()
    assert problem == f"{DEFS}:1 type: is required; ours are pullpush_dagster.Pull, pullpush_dagster.Push"


def test_a_type_that_is_no_text_is_told_since_dagster_would_load_nothing(project):
    (problem,) = project("type: [pullpush_dagster.Pull]\nattributes: {}\n").problems()
    assert problem == f"{DEFS}:1 type: must be a text; ours are pullpush_dagster.Pull, pullpush_dagster.Push"


def test_a_key_beside_attributes_that_belongs_under_it_is_told(project):
    (problem,) = project(PULL, PUSH + "mode: live\n").problems()
    assert problem == f"{DEFS}:12 mode: stands beside attributes; indent it, to be under attributes"


def test_a_key_beside_attributes_that_is_none_is_told_with_those_there_are(project):
    (problem,) = project(PULL + "moed: live\n").problems()
    assert problem == f"{DEFS}:6 moed: is not known here; allowed: {', '.join(BESIDE)}"


def test_dagsters_own_keys_may_stand_beside_attributes(project):
    assert project(PULL + "requirements: {env: [ERP_API_KEY]}\npost_processing: {}\n", PUSH).problems() == []


def test_the_keys_beside_attributes_are_those_that_dagster_knows():
    assert list(BESIDE) == list(ComponentFileModel.model_fields)


@pytest.mark.parametrize(
    ("name", "right"),
    [
        ("assets/more/defs.yml", "assets/more/defs.yaml"),
        ("assets/more/def.yaml", "assets/more/defs.yaml"),
        ("assets/more.yaml", "assets/more/defs.yaml"),
        ("assets/stock/more.yaml", "assets/more/defs.yaml"),
        ("assets/stock/defs.yml", "assets/NAME/defs.yaml"),
    ],
)
def test_a_sync_in_a_file_that_is_not_read_is_told_with_the_name_it_needs(beside, name, right):
    assert beside(name, PULL) == [f"{name}:1 is not read; call it {right}"]


@pytest.mark.parametrize("text", ["dbt: 1\n", "type: acme.Report\n", "{{ jinja }}: [\n"])
def test_other_yaml_files_beside_syncs_are_none_of_our_business(beside, text):
    assert beside("assets/stock/more.yaml", text) == []


def test_a_folder_that_is_called_like_a_file_is_fine(beside):
    assert beside("assets/stock/more.yaml/notes.txt", "type: pullpush_dagster.Pull") == []


def test_a_sync_below_another_components_folder_is_told_since_dagster_does_not_look_there(beside):
    (problem,) = beside("assets/stock/more/defs.yaml", PULL + "  as: more\n")
    said = f"is not read by Dagster, which goes no deeper than {DEFS}; put it into a folder of its own"
    assert problem == f"assets/stock/more/defs.yaml:1 {said}"


def test_a_folder_with_settings_for_all_that_is_below_it_is_fine(beside):
    assert beside("assets/defs.yaml", "type: dagster.DefsFolderComponent\n") == []


def test_a_connection_in_a_file_that_is_not_read_is_told_with_the_name_it_needs(beside):
    assert beside("resources/w.yml", SHOP) == ["resources/w.yml:1 is not read; call it resources/w.yaml"]


@pytest.mark.parametrize("name", ["resources/.#shop.yaml", "resources/.#w.yml", "assets/stock/.#defs.yaml"])
def test_what_an_editor_leaves_beside_a_file_is_none_of_our_business(project, tmp_path, name):
    # given: Emacs' lock of a file that is open, a link to nowhere
    made = project()
    (tmp_path / name).symlink_to("ann@desk.example.4711:1795461262")
    # then
    assert made.problems() == []


@pytest.mark.parametrize("name", ["resources/old.yaml", "assets/old/defs.yaml"])
def test_a_folder_that_is_called_like_a_file_that_is_read_is_fine(project, tmp_path, name):
    made = project()
    (tmp_path / name).mkdir(parents=True)
    assert made.problems() == []


def test_a_file_that_cannot_be_read_is_told(project, tmp_path):
    made = project()
    (tmp_path / "resources" / "outlet.yaml").symlink_to("gone.yaml")
    assert made.problems() == ["resources/outlet.yaml:1 cannot be read: No such file or directory"]


@pytest.mark.parametrize("text", ["", "# later\n", "---\n"])
@pytest.mark.parametrize("name", ["resources/w.yaml", "assets/later/defs.yaml"])
def test_an_empty_file_is_told(beside, name, text):
    assert beside(name, text) == [f"{name}:1 is empty"]
