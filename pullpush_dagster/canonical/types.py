"""The types a canonical field can have, and how DuckDB spells them."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Scalar:
    """One value. ``kind`` is text, decimal, integer, instant or json (a JSON object kept as text)."""

    kind: str
    sql: str


@dataclass(frozen=True)
class Struct:
    """Named scalars that belong together, such as an address."""

    fields: dict[str, Scalar]

    @property
    def sql(self) -> str:
        columns = (f'"{name}" {type_.sql}' for name, type_ in self.fields.items())
        return f"STRUCT({', '.join(columns)})"


@dataclass(frozen=True)
class ListOf:
    """Rows inside a row, sorted by the first field of ``item``, so that order alone is never a change."""

    item: Struct

    @property
    def sql(self) -> str:
        return f"{self.item.sql}[]"


Type = Scalar | Struct | ListOf

TEXT = Scalar("text", "VARCHAR")
DECIMAL = Scalar("decimal", "DECIMAL(18,4)")
INTEGER = Scalar("integer", "BIGINT")
INSTANT = Scalar("instant", "TIMESTAMPTZ")
JSON = Scalar("json", "VARCHAR")


def encoded_sql(type_: Type) -> str:
    """``type_`` with every leaf as text: what a change stores, so that JSON never holds a number.

    Decimals keep all their digits that way, whoever reads the JSON.
    """
    match type_:
        case Scalar():
            return "VARCHAR"
        case Struct(fields):
            columns = (f'"{name}" VARCHAR' for name in fields)
            return f"STRUCT({', '.join(columns)})"
        case ListOf(item):
            return f"{encoded_sql(item)}[]"
