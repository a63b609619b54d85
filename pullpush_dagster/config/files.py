"""What of a project's files would be ignored without a word: components of no type, misplaced keys, misnamed files."""

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from pydantic import BaseModel

from pullpush_dagster.config.sync import Pull, Push
from pullpush_dagster.connectors.yaml_source import Document, Source
from pullpush_dagster.errors import ConfigError

TYPES: dict[str, type[BaseModel]] = {"pullpush_dagster.Pull": Pull, "pullpush_dagster.Push": Push}
# What Dagster itself reads at the top of a component.
BESIDE = ("type", "attributes", "template_vars_module", "requirements", "post_processing")
_OURS = re.compile(r"""^type:\s*["']?pullpush_dagster\.""", re.MULTILINE)
_FOLDER = "dagster.DefsFolderComponent"


def documents(root: Path, path: Path) -> list[Document]:
    """Every YAML document of the file, with its lines. Raises ConfigError: it is not YAML."""
    return Source.read(path, _name(root, path)).documents()


def sync_files(root: Path) -> list[Path]:
    """The files in assets/ that are read."""
    return _files((root / "assets").rglob("defs.yaml"))


def connection_files(root: Path) -> list[Path]:
    """The files in resources/ that are read."""
    return _files((root / "resources").glob("*.yaml"))


def _files(found: Iterable[Path]) -> list[Path]:
    """Those that somebody wrote: no folders, nor what an editor leaves beside a file, such as ``.#shop.yaml``."""
    return sorted(path for path in found if not path.name.startswith(".") and not path.is_dir())


def attributes_of(document: Document) -> Document:
    """The part of one of our components that says what it does. Raises ConfigError: there is nothing in it."""
    if document.data.get("attributes") is None:
        fields = TYPES[document.data["type"]].model_fields.items()
        needed = ", ".join(field.alias or name for name, field in fields if field.is_required())
        said = f"nothing stands under it; indent {needed} and what else there is, by two blanks"
        raise ConfigError(document.complaint(("attributes",), said))
    return document.at("attributes")


def ignored(root: Path) -> Iterator[str]:
    """A complaint about everything that nobody reads. Raises ConfigError: a file is not YAML."""
    for path in sync_files(root):
        found = documents(root, path)
        yield from _no_faults_of(root, path, found)
        if any(type_of(document) in TYPES for document in found):
            yield from _hidden(root, path)
    for path in connection_files(root):
        yield from _no_faults_of(root, path, documents(root, path), types=False)
    yield from _misnamed(root)


def _no_faults_of(root: Path, path: Path, found: list[Document], *, types: bool = True) -> Iterator[str]:
    if not found:
        yield f"{_name(root, path)}:1 is empty"
    for document in found if types else ():
        yield from _component_faults(document)


def _component_faults(document: Document) -> Iterator[str]:
    type_, ours = type_of(document), ", ".join(TYPES)
    if not type_:
        yield document.complaint(("type",), f"is required; ours are {ours}")
    elif not isinstance(document.data["type"], str):
        yield document.complaint(("type",), f"must be a text; ours are {ours}")
    elif type_ in TYPES:
        yield from _misplaced(document, TYPES[type_])
    elif type_.startswith("pullpush_dagster."):
        yield document.complaint(("type",), f"{type_} is not one of {ours}")


def _misplaced(document: Document, model: type[BaseModel]) -> Iterator[str]:
    below = {field.alias or name for name, field in model.model_fields.items()}
    for key in document.data:
        if key in below:
            yield document.complaint((key,), "stands beside attributes; indent it, to be under attributes")
        elif key not in BESIDE:
            yield document.complaint((key,), f"is not known here; allowed: {', '.join(BESIDE)}")


def _hidden(root: Path, path: Path) -> Iterator[str]:
    """Dagster takes a folder with a component in it for that component, and looks at nothing below."""
    assets = root / "assets"
    for folder in path.relative_to(assets).parent.parents:
        above = assets / folder / "defs.yaml"
        if above.is_file() and [type_of(document) for document in documents(root, above)] != [_FOLDER]:
            said = f"is not read by Dagster, which goes no deeper than {_name(root, above)}"
            yield f"{_name(root, path)}:1 {said}; put it into a folder of its own"


def _misnamed(root: Path) -> Iterator[str]:
    assets, resources = root / "assets", root / "resources"
    for path in _files([*assets.rglob("*.yaml"), *assets.rglob("*.yml")]):
        if path.name != "defs.yaml" and path.is_file() and _OURS.search(path.read_text("utf-8", errors="replace")):
            yield f"{_name(root, path)}:1 is not read; call it {_name(root, _right(assets, path))}"
    for path in _files([*resources.glob("*.yml"), *(resources / "connectors").glob("*.yml")]):
        yield f"{_name(root, path)}:1 is not read; call it {_name(root, path.with_suffix('.yaml'))}"


def _right(assets: Path, path: Path) -> Path:
    """Where what is in the file would be read."""
    here = path.parent / "defs.yaml"
    if path.parent != assets and not here.exists():
        return here
    return assets / (path.stem if path.stem not in ("defs", "def") else "NAME") / "defs.yaml"


def type_of(document: Document) -> str | None:
    """What a component says it is; None: it does not say."""
    type_ = document.data.get("type") if isinstance(document.data, dict) else None
    return str(type_) if type_ else None


def model_of(document: Document) -> type[BaseModel] | None:
    """What the component is one of; None: none of ours."""
    return TYPES.get(type_of(document) or "")


def _name(root: Path, path: Path) -> str:
    return str(path.relative_to(root))
