"""The part of Odoo's ORM that JSON-2 callers meet: models of rows in memory and their public methods."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

from pullpush_dagster.sandbox.odoo.domain import matcher, mentions
from pullpush_dagster.sandbox.odoo.errors import MissingError, ValidationError
from pullpush_dagster.sandbox.odoo.fields import AUDIT_FIELDS, Field
from pullpush_dagster.sandbox.odoo.groups import grouped

if TYPE_CHECKING:
    from pullpush_dagster.sandbox.odoo.database import Database

Record = dict[str, Any]
Context = Mapping[str, Any]
Getter = Callable[[Record], Any]
Method = TypeVar("Method", bound=Callable[..., Any])


@dataclass(frozen=True)
class Env:
    """What a call is made with besides its named arguments."""

    ids: Sequence[int] = ()
    context: Context = field(default_factory=dict)


def on_model(method: Method) -> Method:
    """Marks a public method that takes no ids; with ids Odoo answers 422."""
    method.public = "model"  # type: ignore[attr-defined]
    return method


def on_rows(method: Method) -> Method:
    """Marks a public method that works on the rows of the ids."""
    method.public = "rows"  # type: ignore[attr-defined]
    return method


class Model:
    """A table: its fields, its rows by id and the methods every model has.

    A subclass names itself and its own fields, and overrides what it does differently on insert, update and delete.
    """

    name: ClassVar[str]
    own: ClassVar[Mapping[str, Field]]
    order: ClassVar[str] = "id"

    def __init__(self, database: "Database") -> None:
        self.database = database
        self.fields: dict[str, Field] = {**AUDIT_FIELDS, **self.own}
        self.rows: dict[int, Record] = {}
        self.last_id = 0

    @on_model
    def search_read(
        self,
        env: Env,
        domain: Sequence[Any] = (),
        fields: Sequence[str] | None = None,
        offset: int = 0,
        limit: int | None = None,
        order: str | None = None,
    ) -> list[Record]:
        """The rows that match, shown with the given fields (None or empty: all) and always their id."""
        return self.shown(self.found(domain or (), env.context, offset, limit, order), fields, env.context)

    @on_model
    def search(
        self, env: Env, domain: Sequence[Any], offset: int = 0, limit: int | None = None, order: str | None = None
    ) -> list[int]:
        """The ids of the rows that match."""
        return [row["id"] for row in self.found(domain, env.context, offset, limit, order)]

    @on_model
    def search_count(self, env: Env, domain: Sequence[Any], limit: int | None = None) -> int:
        """How many rows match, at most ``limit``."""
        return len(self._matching(domain, env.context)[: limit or None])

    @on_rows
    def read(self, env: Env, fields: Sequence[str] | None = None, load: str = "_classic_read") -> list[Record]:
        """The rows of the ids in their order, archived ones too; a deleted one is left out (seen on Odoo 19.0)."""
        rows = [self.rows[number] for number in env.ids if number in self.rows]
        return self.shown(rows, fields, env.context, names=load == "_classic_read")

    @on_model
    def create(self, _env: Env, vals_list: Sequence[Record] | Record) -> list[int]:
        """The ids of the new rows; one bad row and none is made (seen on Odoo 19.0)."""
        given = [vals_list] if isinstance(vals_list, dict) else vals_list
        batch = [self.taken(vals) for vals in given]
        self.check(batch, [])
        return [self.insert(values)["id"] for values in batch]

    @on_rows
    def write(self, env: Env, vals: Record) -> bool:
        """True once one set of values stands on all rows of the ids; each moves its write_date, changed or not."""
        rows, values = self.browse(env.ids), self.taken(vals)
        self.check([values], rows)
        for row in rows:
            self.update(row, values)
        return True

    @on_rows
    def unlink(self, env: Env) -> bool:
        """True once the rows are gone; they leave no trace."""
        for row in self.browse(env.ids):
            self.remove(row)
        return True

    @on_model
    def fields_get(
        self, _env: Env, allfields: Sequence[str] | None = None, attributes: Sequence[str] | None = None
    ) -> dict[str, Record]:
        """The fields by name, narrowed to names and attributes where given."""
        names = self.fields if not allfields else [name for name in allfields if name in self.fields]
        facts = {name: self.fields[name].described() for name in names}
        if attributes:
            facts = {name: {key: fact[key] for key in attributes if key in fact} for name, fact in facts.items()}
        return facts

    @on_model
    def formatted_read_group(
        self,
        env: Env,
        domain: Sequence[Any] = (),
        groupby: Sequence[str] = (),
        aggregates: Sequence[str] = (),
    ) -> list[Record]:
        """One row per group with its aggregates (``__count``, ``<field>:sum``) and the domain it stands for."""
        getters = {
            name: self.path(name, env.context)[1] for name in (a.split(":")[0] for a in aggregates) if name[0] != "_"
        }
        groups = {name: self.getter(name, env.context) for name in groupby}
        shown = {name: self.shower(name, env.context) for name in groupby}
        return grouped(self._matching(domain, env.context), groups, shown, getters, aggregates)

    def found(
        self,
        domain: Sequence[Any],
        context: Context,
        offset: int = 0,
        limit: int | None = None,
        order: str | None = None,
    ) -> list[Record]:
        """The matching rows, sorted and cut; archived ones are hidden unless asked for."""
        rows = self._matching(domain, context)
        for term in reversed((order or self.order).split(",")):
            name, _, way = term.strip().partition(" ")
            key = self._sort_key(self.getter(name, context))
            rows.sort(key=key, reverse=way.strip().lower() == "desc")
        return rows[offset or 0 :][: limit or None]

    def _matching(self, domain: Sequence[Any], context: Context) -> list[Record]:
        match = matcher(self, domain, context)
        hide = "active" in self.fields and context.get("active_test", True) and not mentions(domain, "active")
        rows = self.rows.values()
        return [row for row in rows if match(row) and (not hide or row["active"])]

    @staticmethod
    def _sort_key(get: Getter) -> Callable[[Record], tuple[bool, Any]]:
        """Empty values come last, as in PostgreSQL."""

        def key(row: Record) -> tuple[bool, Any]:
            value = get(row)
            return value is None, value if value is not None else 0

        return key

    def shown(
        self, rows: Iterable[Record], fields: Sequence[str] | None, context: Context, names: bool = True
    ) -> list[Record]:
        """The rows as a caller sees them."""
        wanted = {name: self.shower(name, context, names) for name in ("id", *(fields or self.fields))}
        return [{name: show(row) for name, show in wanted.items()} for row in rows]

    def shower(self, name: str, context: Context, names: bool = True) -> Getter:
        """The function that shows one field: empty is False, a relation ``[id, name]`` (seen on Odoo 19.0)."""
        get = self.getter(name, context)
        kind = self.fields[name]
        if kind.type == "many2one" and names:
            target = self.database[kind.relation]

            def relation(row: Record) -> Any:
                number = get(row)
                return [number, target.display(target.rows[number])] if number in target.rows else False

            return relation

        def plain(row: Record) -> Any:
            value = get(row)
            return False if value is None else value

        return plain

    def getter(self, name: str, _context: Context) -> Getter:
        """The function that gives one field's value as kept, empty as None.

        Raises:
            ValueError: no such field; Odoo answers it with a 500.
        """
        if name not in self.fields:
            raise ValueError(f"Invalid field {name!r} on {self.name!r}")
        if name == "display_name":
            return self.display
        return lambda row: row[name]

    def path(self, path: str, context: Context, names: bool = False) -> tuple[str, Getter]:
        """Type and value of a dotted path such as ``product_tmpl_id.write_date``; ``names``: relations by name."""
        first, _, rest = str(path).partition(".")
        get = self.getter(first, context)
        kind = self.fields[first]
        if kind.type != "many2one" or not (rest or names):
            return ("list" if kind.type == "one2many" else kind.type), get
        target = self.database[kind.relation]
        inner, deeper = target.path(rest or "display_name", context, names)
        return inner, lambda row: deeper(target.rows[get(row)]) if get(row) in target.rows else None

    def browse(self, ids: Sequence[int]) -> list[Record]:
        """The rows of the ids.

        Raises:
            MissingError: one of them is gone.
        """
        gone = [number for number in ids if number not in self.rows]
        if gone:
            raise MissingError(f"Record does not exist or has been deleted. (Record: {self.name}({gone[0]},))")
        return [self.rows[number] for number in ids]

    def taken(self, vals: Record) -> Record:
        """A caller's values as kept; computed and audit fields are dropped without a word.

        Raises:
            ValueError: a name that is no field.
        """
        for name in vals:
            if name not in self.fields:
                raise ValueError(f"Invalid field {name!r} in {self.name!r}")
        fields = {name: self.fields[name] for name in vals if not self.fields[name].readonly}
        return {name: kind.taken(vals[name], f"{self.name}.{name}") for name, kind in fields.items()}

    def check(self, batch: Sequence[Record], rows: Sequence[Record]) -> None:
        """Refuses values that break a constraint, before anything is kept; ``rows`` are those written, none if new.

        Raises:
            ValidationError: a required field without a value.
        """
        for values in batch:
            for name, kind in self.fields.items():
                missing = values.get(name, None if not rows else True) is None
                if kind.required and missing and kind.default is None:
                    raise ValidationError(f"Missing required value for the field '{kind.string}' ({name}).")

    def insert(self, values: Record) -> Record:
        """The new row, with defaults for what was not given."""
        self.last_id += 1
        moment = self.database.stamp()
        stored = {name: kind.empty() for name, kind in self.fields.items() if kind.stored}
        row = {**stored, **values, "id": self.last_id}
        row["create_date"] = values.get("create_date", moment)
        row["write_date"] = values.get("write_date", moment)
        self.rows[self.last_id] = row
        return row

    def update(self, row: Record, values: Record) -> None:
        """Keeps the values and moves the row's write_date."""
        if values:
            row |= values
            row["write_date"] = self.database.stamp()

    def remove(self, row: Record) -> None:
        """Forgets the row."""
        del self.rows[row["id"]]

    def display(self, row: Record) -> str:
        """The row's name where another row refers to it."""
        return str(row.get("name") or f"{self.name},{row['id']}")
