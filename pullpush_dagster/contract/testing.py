"""All checks of one connector, by name."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from pullpush_dagster.connectors import Connector
from pullpush_dagster.contract.account import Account, account
from pullpush_dagster.contract.acting import Platform
from pullpush_dagster.contract.pull_checks import is_tied, tie_problems, unfiltered_problems, unstored_problems
from pullpush_dagster.contract.pulling import pull_problems
from pullpush_dagster.contract.push_checks import (
    consent_problems,
    failed_problems,
    nothing_problems,
    sent_again_problems,
    throttled_problems,
    unknown_problems,
)
from pullpush_dagster.contract.pushing import push_problems
from pullpush_dagster.contract.samples import Samples
from pullpush_dagster.errors import PullPushError

Check = Callable[[], list[str]]


@dataclass(frozen=True)
class Verdict:
    """What one check found. Nothing: it is so."""

    entity: str
    check: str
    problems: list[str]


def tested(connector: Connector, samples: Samples, platform: Platform) -> Iterator[Verdict]:
    """The verdict of every check that ``samples`` has something for, one after the other."""
    with account(connector, samples, platform) as one:
        for entity, check, problems in checks(one):
            try:
                yield Verdict(entity, check, problems())
            except PullPushError as error:
                yield Verdict(entity, check, [f"{type(error).__name__}: {error}"])


def checks(all_of: Account) -> Iterator[tuple[str, str, Check]]:
    """Entity, what must be so, and what finds out."""
    for entity, samples in all_of.samples.entities.items():
        of = all_of.for_entity(entity)
        if samples.pull is not None:
            yield from ((entity, name, check) for name, check in _pull_checks(of, entity))
        for case in samples.push:
            yield entity, f"push: {case.name}", lambda of=of, e=entity, case=case: push_problems(of, e, case)  # type: ignore[misc]
            for name, check in _PUSH.items():
                yield entity, f"push: {case.name}: {name}", lambda of=of, c=check, e=entity, case=case: c(of, e, case)  # type: ignore[misc]
            if entity == "contact":
                said = f"push: {case.name}: unknown consent is not sent as given"
                yield entity, said, lambda of=of, case=case: consent_problems(of, case)  # type: ignore[misc]


def _pull_checks(of: Account, entity: str) -> Iterator[tuple[str, Check]]:
    yield "pull: the answers mean these rows", lambda: pull_problems(of, entity)
    yield "pull: nothing is kept unless every page came", lambda: unstored_problems(of, entity)
    if of.tested.pull(entity).since is not None:
        yield "pull: it goes on from a watermark", lambda: unfiltered_problems(of, entity)
    if is_tied(of.tested.pull(entity)):
        yield "pull: more records of one stamp than fit on a page", lambda: tie_problems(of, entity)


_PUSH = {
    "sent again, it is the same request": sent_again_problems,
    "a request too many loses nothing": throttled_problems,
    "without an answer it is not taken for done": failed_problems,
    "what is not known is not sent": unknown_problems,
    "nothing known, nothing sent": nothing_problems,
}
