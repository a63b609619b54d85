"""YAML with a memory of where each key stands, so that every complaint names file, line and key."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, Self, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from pullpush_dagster.errors import ConfigError

# What connections, connectors, pulls and pushes may be called.
NAME = r"^[a-z][a-z0-9_]*$"
Key = tuple[str | int, ...]
Model = TypeVar("Model", bound=BaseModel)


class _Loader(yaml.SafeLoader):
    """YAML without its own dates: 2026-02-30 is refused where it is used, with its key, and not by a crash."""

    yaml_implicit_resolvers = {
        first: [pair for pair in pairs if pair[0] != "tag:yaml.org,2002:timestamp"]
        for first, pairs in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }


class _Fast(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
    """The same in C, where there is that: ten times as fast, and its complaints say less."""

    yaml_implicit_resolvers = _Loader.yaml_implicit_resolvers


@dataclass(frozen=True)
class Document:
    """One YAML document: its data, and the line of every key in it."""

    file: str
    data: Any
    lines: dict[Key, int]

    def line(self, key: Key) -> int:
        """The line of ``key``, or of the nearest key around it."""
        while key and key not in self.lines:
            key = key[:-1]
        return self.lines.get(key, 1)

    def complaint(self, key: Key, text: str) -> str:
        """``file:line key: text``, the one form in which a file is complained about."""
        dotted = ".".join(str(step) for step in key)
        return f"{self.file}:{self.line(key)} {dotted + ': ' if dotted else ''}{text}"

    def at(self, key: str) -> "Document":
        """The part below top-level ``key``, with its lines."""
        lines = {path[1:]: line for path, line in self.lines.items() if path[:1] == (key,)}
        return Document(self.file, self.data.get(key), lines or {(): self.line(())})


@dataclass(frozen=True)
class Source:
    """A YAML file's name and text. ``ours``: it is one of this package's, about which there is nothing to complain."""

    file: str
    text: str
    ours: bool = False

    @classmethod
    def read(cls, path: Path, file: str) -> Self:
        """The file at ``path``, to be called ``file``. Raises ConfigError: it cannot be read, or is not UTF-8 text."""
        try:
            return cls(file, path.read_text(encoding="utf-8"))
        except UnicodeDecodeError:
            raise ConfigError(f"{file}:1 is not UTF-8 text") from None
        except OSError as error:
            raise ConfigError(f"{file}:1 cannot be read: {error.strerror}") from None

    def documents(self) -> list[Document]:
        """Every document of the file that is not empty, in order.

        Raises:
            ConfigError: it is not YAML, or has the same key twice.
        """
        return [*_documents(self)]

    def parsed(self) -> Iterator[Document]:
        """The same, read anew."""
        try:
            for node in yaml.compose_all(self.text, Loader=_Fast if self.ours else _Loader):
                found = self._document(node)
                if found.data is not None:
                    yield found
        except yaml.MarkedYAMLError as error:
            line = error.problem_mark.line + 1 if error.problem_mark else 1
            # What YAML quotes of the file may be the beginning of a secret.
            problem = re.sub(r"(, but (got|found))? *'[^']*'$", "", error.problem or "is not YAML")
            raise ConfigError(f"{self.file}:{line} {problem}") from None
        except yaml.YAMLError:
            raise ConfigError(f"{self.file}:1 is not YAML") from None
        except RecursionError:
            raise ConfigError(f"{self.file}:1 is nested too deep, or refers to itself") from None

    def _document(self, node: yaml.Node) -> Document:
        lines = dict(self._lines(node, ()))
        loader = _Loader("")
        try:
            return Document(self.file, loader.construct_document(node), lines)
        finally:
            loader.dispose()

    def _lines(self, node: yaml.Node, key: Key) -> Iterator[tuple[Key, int]]:
        yield key, node.start_mark.line + 1
        if isinstance(node, yaml.MappingNode):
            seen: set[str] = set()
            for name, value in node.value:
                if not isinstance(name, yaml.ScalarNode):
                    raise ConfigError(f"{self.file}:{name.start_mark.line + 1} a key must be a text")
                if name.value in seen:
                    raise ConfigError(f"{self.file}:{name.start_mark.line + 1} {name.value}: is here twice")
                seen.add(name.value)
                yield from self._lines(value, (*key, name.value))
                yield (*key, name.value), name.start_mark.line + 1
        elif isinstance(node, yaml.SequenceNode):
            for index, value in enumerate(node.value):
                yield from self._lines(value, (*key, index))


@lru_cache(maxsize=512)
def _documents(source: Source) -> tuple[Document, ...]:
    """A project is read again and again, which takes half a second, and its files are seldom others."""
    return tuple(source.parsed())


def parse(model: type[Model], document: Document) -> Model:
    """``document`` as ``model``.

    Raises:
        ConfigError: one line per fault: ``file:line key: what is wrong, what is allowed``.
    """
    try:
        return model.model_validate(document.data if document.data is not None else {})
    except ValidationError as error:
        lines = [_complaint(model, document, dict(fault)) for fault in error.errors()]
        raise ConfigError("\n".join(dict.fromkeys(lines))) from None


def _complaint(model: type[BaseModel], document: Document, fault: dict[str, Any]) -> str:
    key = _real_key(document.data, fault["loc"])
    text = str(fault["msg"]).removeprefix("Value error, ")
    if fault["type"] == "extra_forbidden":
        text = f"is not known here; allowed: {', '.join(_allowed(model, key[:-1]))}"
    elif fault["type"] == "missing":
        text = "is required"
    elif fault["type"] == "string_pattern_mismatch" and fault["ctx"]["pattern"] == NAME:
        text = "may have small letters, digits and _, and begins with a letter"
    elif fault["type"] in ("model_type", "dict_type"):
        text = "must be keys with values, as in `name: value`"
    below = fault.get("ctx", {}).get("below")
    key = key if below is None else (*key, below)
    return document.complaint(key, text)


def _real_key(data: Any, loc: tuple[str | int, ...]) -> Key:
    """``loc`` without the union tags pydantic puts into it."""
    key: list[str | int] = []
    for place, step in enumerate(loc):
        inside = (isinstance(data, dict) and step in data) or (isinstance(data, list) and isinstance(step, int))
        if inside:
            data = data[step]
        elif place < len(loc) - 1:
            continue
        key.append(step)
    return tuple(key)


def _allowed(model: type[BaseModel], key: Key) -> list[str]:
    """Names of the fields of the model at ``key``; best effort, empty when it cannot be told."""
    here: Any = model
    for step in key:
        field = getattr(here, "model_fields", {}).get(step)
        here = _model_in(field.annotation) if field else _model_in(here)
    fields = getattr(here, "model_fields", {})
    return [field.alias or name for name, field in fields.items()]


def _model_in(annotation: Any) -> Any:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    found = [_model_in(part) for part in getattr(annotation, "__args__", ())]
    return next((part for part in found if part is not None), None)
