"""A samples file: what a platform answers, what that means, and what must be sent to it."""

from pathlib import Path
from typing import Any

import yaml
from pydantic import Field, ValidationError

from pullpush_dagster.canonical import ENTITIES
from pullpush_dagster.connectors.request import Fact
from pullpush_dagster.contract.acting import Reply
from pullpush_dagster.errors import ConfigError

Json = Any
_LOOKS = ("find", "read", "job")

# The pure Python loader takes a second for the largest of these files.
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class PullSample(Fact):
    """One pull.

    Attributes:
        answers: one body per page, in the order asked, walk after walk. headers: of each.
        scope, scope_answer: what is asked for, and the answer to the request that looks it up.
        rows: the canonical rows, with every known field: decimals as texts, times ISO with Z.
        cleared: first key field -> names of cleared fields. quarantined: how many records are set aside.
    """

    answers: list[Json] = Field(min_length=1)
    headers: list[dict[str, str]] = []
    scope: str = ""
    scope_answer: Json = None
    rows: list[dict[str, Json]]
    cleared: dict[str, list[str]] = {}
    quarantined: int = 0


class Sent(Fact):
    """A write that is expected: ``path`` below ``base_url``; of the headers, only those named are compared.

    ``{idempotency}`` stands for any UUID.
    """

    method: str
    path: str
    query: dict[str, Json] = {}
    headers: dict[str, str] = {}
    body: Json = Field(default=None, alias="json")
    form: dict[str, Json] | None = None


class Given(Fact):
    """What a platform answers to a write."""

    status: int = 200
    headers: dict[str, str] = {}
    body: Json = None


class Case(Fact):
    """One round of a push.

    Attributes:
        changes: canonical records; null: cleared. bound: the ids known of each; null: none.
        find, read: what look-ups answer; reads: by the look-up's name. references: by the reference's name.
        job: what the question for a verdict answers.
        requests: the writes expected, exactly. answers: to each of them. outcomes: one per change.
    """

    name: str
    changes: list[dict[str, Json]]
    bound: list[dict[str, Json] | None] = []
    find: Json = None
    read: Json = None
    reads: dict[str, Json] = {}
    references: dict[str, Json] = {}
    job: Json = None
    requests: list[Sent]
    answers: list[Given] = []
    outcomes: list[str]

    def look_up(self, name: str) -> Reply | None:
        """What look-up ``name`` is answered; one that is said to be null has no body. None: the case does not say."""
        if name.startswith("reference."):
            told: dict[str, Json] = {f"reference.{one}": body for one, body in self.references.items()}
        else:
            said: dict[str, Json] = {one: getattr(self, one) for one in _LOOKS if one in self.model_fields_set}
            told = {**said, **self.reads}
        if name not in told:
            return None
        return Reply(told[name], status=204 if told[name] is None else 200)


class EntitySamples(Fact):
    """One entity's samples.

    Attributes:
        settings: what a connection for this entity says besides, such as another ``base_url``.
        uncovered: ``METHOD /path`` (the beginning of a path) -> why the vendor's spec does not describe it.
    """

    pull: PullSample | None = None
    push: list[Case] = []
    settings: dict[str, str] = {}
    uncovered: dict[str, str] = {}


class Samples(Fact):
    """A whole file. ``source``: where its answers come from. ``secrets``: names of those a connection has."""

    source: str
    settings: dict[str, str] = {}
    secrets: list[str] = []
    entities: dict[str, EntitySamples] = {}


def read_samples(file: Path) -> Samples:
    """The samples in ``file``. Raises ConfigError: there is none, or it has another form; where, and what is wrong."""
    if not file.is_file():
        raise ConfigError(f"there are no samples at {file}; docs/write-a-connector.md says what goes into them")
    data = yaml.load(file.read_text(encoding="utf-8"), Loader=_LOADER)  # noqa: S506 - both loaders are safe ones
    if not isinstance(data, dict):
        raise ConfigError(f"{file.name} holds no samples")
    entities = {name: data[name] for name in ENTITIES if name in data}
    others = {name: value for name, value in data.items() if name not in ENTITIES}
    try:
        return Samples.model_validate({**others, "entities": entities})
    except ValidationError as error:
        places = [f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in error.errors(include_input=False)]
        raise ConfigError("\n".join(f"{file.name} {place}" for place in places)) from None
