"""Names that Dagster would not have: what is its own word, or the name of something else that comes of the files."""

import keyword
from collections.abc import Iterable

from pullpush_dagster.config.sync import Pull

# What Dagster calls nothing by, beside the keywords of Python.
RESERVED = frozenset(
    ("context", "conf", "config", "meta", "arg_dict", "dict", "input_arg_dict", "output_arg_dict", "int", "str",
     "float", "bool", "input", "output", "type", *keyword.kwlist)
)  # fmt: skip
_JOBS = ("approve", "sweep", "approve_change_set")
# What the jobs and the steps of a sync are called after its own name.
_ENDS = ("_push", "_readback", "_claim", "_send", "_confirm")
_STAGES = ("pulled", "canonical", "changes", "full")


def name_fault(name: str, others: Iterable[str], pulls: Iterable[Pull]) -> str | None:
    """Why nothing would load beside a sync called ``name``, with the names of other syncs; None: it would."""
    if name in RESERVED:
        return f"{name} is a word of Dagster or Python; choose another name"
    if name in _JOBS:
        return f"{name} is a job of every project; choose another name"
    if name in _STAGES:
        return f"{name} is a stage of every pull; choose another name"
    for one in others:
        for of, taken in ((one, name), (name, one)):
            if taken in [of + end for end in _ENDS]:
                return f"{taken} is a job of the sync {of}; choose another name"
    for pull in pulls:
        if pull.is_audited and name == full_name(pull):
            return f"{name} is the full audit of {pull.id}; choose another name"
        if pull.every and name == pull_name(pull):
            return f"{name} is the job of {pull.id} where no sync reads it; choose another name"
    return None


def full_name(pull: Pull) -> str:
    """The name of the job that asks ``pull`` for everything."""
    return f"{pull.connection}_{pull.name}_full"


def pull_name(pull: Pull) -> str:
    """The name of the job that runs ``pull`` as often as it says, where no push reads it."""
    return f"{pull.connection}_{pull.name}_pull"


def namesake(pull: Pull, others: Iterable[Pull]) -> Pull | None:
    """One of ``others`` whose full audit would have the name of that of ``pull``; None: none would."""
    audited = [other for other in others if pull.is_audited and other.is_audited]
    return next((other for other in audited if full_name(other) == full_name(pull)), None)


def scope_fault(values: Iterable[str]) -> str | None:
    """Why one of ``values`` cannot be a partition; None: all can."""
    odd = [value for value in values if not value.isprintable() or not value.strip() or "..." in value]
    return f"{odd[0]!r} cannot be asked for: a value is a text in one line, without `...`" if odd else None
