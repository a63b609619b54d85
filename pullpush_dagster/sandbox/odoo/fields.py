"""Field types: how a value is taken in, kept and shown.

Inside, an empty value is None and a relation is an id; outside, Odoo shows False and ``[id, name]``.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

STAMP = "%Y-%m-%d %H:%M:%S"


@dataclass(frozen=True)
class Field:
    """One field of a model; ``stored`` is False for computed ones, ``readonly`` values are ignored in writes."""

    type: str
    string: str
    required: bool = False
    readonly: bool = False
    stored: bool = True
    relation: str = ""
    selection: tuple[str, ...] = ()
    default: Any = None

    def empty(self) -> Any:
        """The value of a new row that was not given one."""
        if self.default is not None:
            return self.default
        return {"boolean": False, "float": 0.0, "integer": 0}.get(self.type)

    def taken(self, value: Any, where: str) -> Any:
        """A caller's value as it is kept; every kind of empty text becomes None.

        Raises:
            ValueError: a value the type cannot hold; Odoo answers it with a 500.
        """
        if self.type == "boolean":
            return bool(value)
        if self.type in ("float", "integer"):
            return (float if self.type == "float" else int)(value or 0)
        if value is None or value is False or value == "":
            return None
        if self.type == "datetime":
            return stamp_text(value)
        if self.selection and value not in self.selection:
            raise ValueError(f"Wrong value for {where}: {value!r}")
        return int(value) if self.type == "many2one" else str(value)

    def described(self) -> dict[str, Any]:
        """The field as ``fields_get`` lists it."""
        facts: dict[str, Any] = {
            "type": self.type,
            "string": self.string,
            "required": self.required,
            "readonly": self.readonly,
            "store": self.stored,
        }
        if self.relation:
            facts["relation"] = self.relation
        if self.selection:
            facts["selection"] = [[value, value.title()] for value in self.selection]
        return facts


def stamp(moment: datetime) -> str:
    """The instant as Odoo shows it: UTC without a zone, whole seconds (seen on Odoo 19.0)."""
    return moment.astimezone(UTC).strftime(STAMP)


def stamp_text(value: Any) -> str:
    """A caller's datetime as kept; a date alone is its midnight, fractions of a second are cut.

    Raises:
        ValueError: any other form, an ISO ``T`` or a zone included.
    """
    text = str(value)
    text = f"{text} 00:00:00" if len(text) == 10 else text[:19]
    return datetime.strptime(text, STAMP).replace(tzinfo=UTC).strftime(STAMP)


AUDIT_FIELDS = {
    "id": Field("integer", "ID", readonly=True),
    "display_name": Field("char", "Display Name", readonly=True, stored=False),
    "create_date": Field("datetime", "Created on", readonly=True),
    "write_date": Field("datetime", "Last Updated on", readonly=True),
}
