"""Lines of sales orders: sale.order.line, and the units they promise."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from decimal import ROUND_HALF_UP, Decimal
from typing import TYPE_CHECKING, ClassVar

from pullpush_dagster.sandbox.odoo.errors import OdooError
from pullpush_dagster.sandbox.odoo.fields import Field
from pullpush_dagster.sandbox.odoo.orm import Context, Env, Getter, Model, Record, on_rows
from pullpush_dagster.sandbox.odoo.sales import forbid

if TYPE_CHECKING:
    from pullpush_dagster.sandbox.odoo.database import Database

PROTECTED = ("product_id", "name", "price_unit", "product_uom_qty", "discount")


class SaleLine(Model):
    """sale.order.line; ``price_unit`` is kept unrounded (its field has display digits only, since Odoo 19)."""

    name = "sale.order.line"
    order = "order_id, sequence, id"
    own: ClassVar[Mapping[str, Field]] = {
        "order_id": Field("many2one", "Order Reference", required=True, relation="sale.order"),
        "product_id": Field("many2one", "Product", required=True, relation="product.product"),
        "name": Field("text", "Description"),
        "product_uom_qty": Field("float", "Quantity", default=1.0),
        "price_unit": Field("float", "Unit Price"),
        "discount": Field("float", "Discount (%)"),
        "sequence": Field("integer", "Sequence", default=10),
        "qty_delivered": Field("float", "Delivery Quantity", readonly=True),
        "price_subtotal": Field("float", "Subtotal", readonly=True, stored=False),
        "state": Field("selection", "Order Status", readonly=True, stored=False),
    }

    def __init__(self, database: "Database") -> None:
        super().__init__(database)
        self.by_order: dict[int, set[int]] = defaultdict(set)

    def getter(self, name: str, context: Context) -> Getter:
        if name == "price_subtotal":
            return _subtotal
        if name == "state":
            return lambda line: self.database.sales.rows[line["order_id"]]["state"]
        return super().getter(name, context)

    def check(self, batch: Sequence[Record], rows: Sequence[Record]) -> None:
        """Refuses a product or order that is not there, edits of locked orders, and less than was delivered."""
        super().check(batch, rows)
        for values in batch:
            if values.get("product_id"):
                self.database.products.browse([values["product_id"]])
            orders = [values["order_id"]] if values.get("order_id") else []
            orders += [row["order_id"] for row in rows]
            if any(order["locked"] for order in self.database.sales.browse(orders)):
                forbid([self.fields[name].string for name in PROTECTED if name in values])
            if any(values.get("product_uom_qty", row["product_uom_qty"]) < row["qty_delivered"] for row in rows):
                raise OdooError(
                    "The ordered quantity of a sale order line cannot be decreased below the amount already delivered."
                    " Instead, create a return in your inventory."
                )

    def check_removal(self, rows: Sequence[Record]) -> None:
        """Refuses to remove lines of confirmed orders."""
        if any(self.database.sales.rows[row["order_id"]]["state"] == "sale" for row in rows):
            raise OdooError(
                "Once a sales order is confirmed, you can't remove one of its lines (we need to track if something"
                " gets invoiced or delivered).\nSet the quantity to 0 instead."
            )

    @on_rows
    def unlink(self, env: Env) -> bool:
        """True once the lines are gone."""
        rows = self.browse(env.ids)
        self.check_removal(rows)
        for row in rows:
            self.remove(row)
        return True

    def insert(self, values: Record) -> Record:
        """The new line, named and priced after its product unless told otherwise."""
        product = self.database.products.rows[values["product_id"]]
        price = self.database.products.getter("list_price", {})(product)
        name = values.get("name") or self.database.products.display(product)
        line = super().insert({"price_unit": price, **values, "name": name})
        self.by_order[line["order_id"]].add(line["id"])
        self._follow(line)
        return line

    def update(self, row: Record, values: Record) -> None:
        """Keeps the values; the promised units and the order's write_date follow."""
        if values.get("product_id", row["product_id"]) != row["product_id"]:
            self.database.stock.withdraw(row)
        super().update(row, values)
        self._follow(row)

    def remove(self, row: Record) -> None:
        self.database.stock.withdraw(row)
        super().remove(row)
        self.by_order[row["order_id"]].discard(row["id"])

    def promise(self, line: Record) -> None:
        """Makes the undelivered units of a confirmed order outgoing, and of any other none."""
        order = self.database.sales.rows[line["order_id"]]
        units = line["product_uom_qty"] - line["qty_delivered"] if order["state"] == "sale" else 0.0
        if units > 0 and self.storable(line):
            location = self.database.warehouses.rows[order["warehouse_id"]]["lot_stock_id"]
            self.database.stock.reserve(line, location, units, order["name"])
        else:
            self.database.stock.withdraw(line)

    def deliver(self, line: Record) -> None:
        """Ships what is still outgoing, as the ERP's own staff does."""
        self.promise(line)
        if self.storable(line):
            self.database.stock.ship(line)
            Model.update(self, line, {"qty_delivered": line["product_uom_qty"]})

    def storable(self, line: Record) -> bool:
        """Whether the line's product is one whose stock is tracked."""
        product = self.database.products.rows.get(line["product_id"])
        return product is not None and bool(self.database.templates.rows[product["product_tmpl_id"]]["is_storable"])

    def _follow(self, line: Record) -> None:
        self.promise(line)
        order = self.database.sales.rows[line["order_id"]]
        order["write_date"] = self.database.stamp()


def _subtotal(line: Record) -> float:
    """Quantity by price less discount, rounded half up to cents."""
    quantity, price, discount = (Decimal(str(line[name])) for name in ("product_uom_qty", "price_unit", "discount"))
    return float((quantity * price * (1 - discount / 100)).quantize(Decimal("0.01"), ROUND_HALF_UP))
