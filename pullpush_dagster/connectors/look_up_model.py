"""How one asks a platform for items, in a connector file."""

from pydantic import Field, model_validator

from pullpush_dagster.canonical.field_map import Path
from pullpush_dagster.connectors.request import Request


class LookUp(Request):
    """A batched question for items. ``{keys}`` or ``{ids}`` is the list of what is asked for, at most ``batch``.

    ``{several}`` is that list where it has more than one, else ``{key}`` is the only one: for a platform that cannot
    take each value in a list, such as one with a comma, which is always asked for alone.

    An item is told by its own value at ``match``, never by its place.

    Attributes:
        rows: path of a list in each item, whose rows are what is looked for, as in a pull.
        each: path of the items, or of the one item. may_lack: whether an answer without it has none.
        lowered: whether that value is compared in lower case.
        size: most items in one answer, where there may be more of one value than that, or others that are only like
            it. After so many, fewer values are asked for, down to one.
        term, join: ``{terms}`` is ``term`` for each ``{key}``, with ``join`` between: ``sku:'{key:escaped}'``.
        absent: statuses by which a question for one item says that there is none.
    """

    each: str = "body"
    rows: Path | None = None
    may_lack: bool = False
    match: Path
    lowered: bool = False
    batch: int = Field(default=50, ge=1)
    size: int | None = None
    term: str | None = None
    join: str = " OR "
    absent: list[int] = []

    @model_validator(mode="after")
    def _room(self) -> "LookUp":
        if self.size is not None and self.size <= self.batch:
            raise ValueError("size must be larger than batch: an item of each value would fill the answer")
        return self


class Find(LookUp):
    """The look-up of items by key.

    Attributes:
        field: the key field asked for. ids: name -> path of an item's ids, where that differs from the binding's.
    """

    field: str
    ids: dict[str, Path] = {}
