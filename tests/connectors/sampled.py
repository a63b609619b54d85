"""The samples of the built-in connectors, and what there is to be tested by them."""

import os
from pathlib import Path
from typing import Any

import pytest

from pullpush_dagster.connectors import load_connector
from pullpush_dagster.contract.pull_checks import is_tied
from pullpush_dagster.contract.samples import Case, Samples, read_samples

SAMPLES: dict[str, Samples] = {
    file.stem: read_samples(file) for file in sorted((Path(__file__).parent / "samples").glob("*.yaml"))
}


def _marked(of: list[tuple[Any, ...]], *names: str) -> pytest.MarkDecorator:
    return pytest.mark.parametrize(names, of, ids=["-".join(str(part) for part in one) for one in of])


def case_of(name: str, entity: str, said: str) -> Case:
    """The case of that name."""
    return next(case for case in SAMPLES[name].entities[entity].push if case.name == said)


_ALL = [(name, entity) for name, samples in SAMPLES.items() for entity in samples.entities]
_PULLED = [(name, entity) for name, entity in _ALL if SAMPLES[name].entities[entity].pull is not None]
_FACTS = {(name, entity): load_connector(name).pull(entity) for name, entity in _PULLED}
_CASES = [(name, entity, case.name) for name, entity in _ALL for case in SAMPLES[name].entities[entity].push]

NAMES = _marked([(name,) for name in SAMPLES], "name")
ENTITIES = _marked(_ALL, "name", "entity")
EXCUSED = _marked(
    [(name, entity) for name, entity in _ALL if SAMPLES[name].entities[entity].uncovered], "name", "entity"
)
PULLS = _marked(_PULLED, "name", "entity")
FILTERED = _marked([one for one in _PULLED if _FACTS[one].since is not None], "name", "entity")
TIED = _marked([one for one in _PULLED if is_tied(_FACTS[one])], "name", "entity")
LINKED = _marked([one for one in _PULLED if _FACTS[one].pages.style == "link"], "name", "entity")
CASES = _marked(_CASES, "name", "entity", "said")
# What no sample says but holds for every request is shown by one case of each entity, where not all are wanted.
_FIRSTS = list({(name, entity): (name, entity, said) for name, entity, said in reversed(_CASES)}.values())
ANY = _marked(_CASES if os.environ.get("PULLPUSH_FULL") else sorted(_FIRSTS), "name", "entity", "said")
_ONE_EACH = list({name: (name, entity) for name, entity in reversed(_ALL)}.values())
MUTATED = _marked(_ALL if os.environ.get("PULLPUSH_FULL") else sorted(_ONE_EACH), "name", "entity")
CONTACTS = _marked([(name, said) for name, entity, said in _CASES if entity == "contact"], "name", "said")
