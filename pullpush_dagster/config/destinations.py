"""What of pushes cannot work, beside others or at their destination, as far as the files alone tell for certain."""

from collections.abc import Iterable, Iterator, Mapping

from pullpush_dagster.config.sync import Pull, Push


def rival(push: Push, others: Iterable[Push]) -> tuple[Push, str] | None:
    """One of ``others`` that sends keys of ``push`` to the same place, and a pull that both read; None: none is known.

    Two translations may part what two pushes read, and so may values of different fields: that shows in the data.
    """
    for other in others:
        shared = [source for source in push.from_ if source in other.from_]
        same = (push.to, push.mode, push.translate) == (other.to, "live", other.translate)
        if same and shared and (_within(push, other) or _within(other, push)):
            return other, shared[0]
    return None


def _within(push: Push, wider: Push) -> bool:
    """Whether ``wider`` sends some of what ``push`` does, whatever else that asks of a record."""
    return all(set(values) & set(push.only.get(field, ())) for field, values in wider.only.items())


def strangers(push: Push, pulls: Iterable[Pull], fixed: Mapping[str, str]) -> Iterator[str]:
    """Why the destination of ``push`` cannot have keys that its ``pulls`` give for certain.

    Args:
        fixed: key fields that are always the same there.
    """
    parts = [pull.partitions for pull in pulls if pull.partitions is not None]
    for field, always in fixed.items():
        given = dict.fromkeys(value for one in parts if one.by == field for value in one.values)
        sent = [value for value in given if value in push.only.get(field, given)]
        strange = [value for value in sent if value != always]
        if strange and field not in push.translate:
            has = f"{push.to} has only {field} {always}, not {', '.join(strange)}"
            yield f"{has}: say translate, or leave it out by only"
