"""Sales orders: sale.order, from quotation to confirmation and cancellation."""

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from pullpush_dagster.sandbox.odoo.errors import OdooError, ValidationError
from pullpush_dagster.sandbox.odoo.fields import Field
from pullpush_dagster.sandbox.odoo.orm import Context, Env, Getter, Model, Record, on_rows

PROTECTED = ("partner_id", "date_order", "order_line", "warehouse_id")
AMOUNTS = ("amount_untaxed", "amount_tax", "amount_total")
WIZARD: Mapping[str, Any] = {
    "type": "ir.actions.act_window",
    "res_model": "sale.order.cancel",
    "name": "Cancel Sales Order",
    "view_mode": "form",
    "target": "new",
}


class Sale(Model):
    """sale.order. ``client_order_ref`` is not unique (seen on Odoo 19.0): a second order of one reference is taken."""

    name = "sale.order"
    order = "date_order desc, id desc"
    own: ClassVar[Mapping[str, Field]] = {
        "name": Field("char", "Order Reference", readonly=True),
        "client_order_ref": Field("char", "Customer Reference"),
        "partner_id": Field("many2one", "Customer", required=True, relation="res.partner"),
        "date_order": Field("datetime", "Order Date"),
        "state": Field("selection", "Status", readonly=True, default="draft"),
        "locked": Field("boolean", "Locked", readonly=True),
        "order_line": Field("one2many", "Order Lines", stored=False, relation="sale.order.line"),
        "note": Field("text", "Terms and conditions"),
        "currency_id": Field("many2one", "Currency", readonly=True, relation="res.currency", default=1),
        "warehouse_id": Field("many2one", "Warehouse", relation="stock.warehouse", default=1),
        **{name: Field("float", name.replace("_", " ").title(), readonly=True, stored=False) for name in AMOUNTS},
    }

    @on_rows
    def action_confirm(self, env: Env) -> bool:
        """True once the orders are sales.

        What they hold of storable products becomes outgoing in their warehouse; the units on hand and ``free_qty``
        stay (seen on Odoo 19.0). The order date becomes that of the confirmation.
        """
        orders = self.browse(env.ids)
        if any(order["state"] not in ("draft", "sent") for order in orders):
            raise OdooError("Some orders are not in a state requiring confirmation.")
        for order in orders:
            self.become(order, {"state": "sale", "date_order": self.database.stamp()})
        return True

    @on_rows
    def action_cancel(self, env: Env) -> bool | Record:
        """True once the orders are cancelled; an order that is no draft only gets a wizard, unless told otherwise.

        The wizard's action comes with status 200 and the order stays what it was: Odoo up to 18 asks back like that
        (``_show_cancel_wizard``). ``{"disable_cancel_warning": true}`` in the context cancels at once.
        """
        orders = self.browse(env.ids)
        if any(order["locked"] for order in orders):
            raise OdooError("You cannot cancel a locked order. Please unlock it first.")
        warn = not env.context.get("disable_cancel_warning")
        if warn and any(order["state"] != "draft" for order in orders):
            return {**WIZARD, "context": {"default_order_id": orders[0]["id"]}}
        for order in orders:
            self.become(order, {"state": "cancel"})
        return True

    @on_rows
    def action_lock(self, env: Env) -> bool:
        """True once the orders are locked."""
        for order in self.browse(env.ids):
            self.become(order, {"locked": True})
        return True

    @on_rows
    def action_unlock(self, env: Env) -> bool:
        """True once the orders are unlocked."""
        for order in self.browse(env.ids):
            self.become(order, {"locked": False})
        return True

    @on_rows
    def unlink(self, env: Env) -> bool:
        """True once the orders are gone; a sent or confirmed one has to be cancelled first."""
        orders = self.browse(env.ids)
        if any(order["state"] not in ("draft", "cancel") for order in orders):
            raise OdooError("You can not delete a sent quotation or a confirmed sales order. You must first cancel it.")
        for order in orders:
            self.remove(order)
        return True

    def become(self, order: Record, values: Record) -> None:
        """Sets state or lock, and lets the promised units follow."""
        order |= {**values, "write_date": self.database.stamp()}
        for line in self.lines(order):
            self.database.sale_lines.promise(line)

    def lines(self, order: Record) -> list[Record]:
        """The order's lines by sequence and id."""
        lines = self.database.sale_lines
        rows = [lines.rows[number] for number in lines.by_order[order["id"]]]
        return sorted(rows, key=lambda row: (row["sequence"], row["id"]))

    def getter(self, name: str, context: Context) -> Getter:
        if name == "order_line":
            return lambda order: [line["id"] for line in self.lines(order)]
        if name in AMOUNTS:
            return self._amount if name != "amount_tax" else lambda _order: 0.0
        return super().getter(name, context)

    def _amount(self, order: Record) -> float:
        subtotal = self.database.sale_lines.getter("price_subtotal", {})
        return float(round(sum(subtotal(line) for line in self.lines(order)), 2))

    def taken(self, vals: Record) -> Record:
        """A caller's values as kept; the commands of ``order_line`` hold values of lines.

        Raises:
            ValueError: a name that is no field, or a command other than create, update and delete.
        """
        values = super().taken({name: value for name, value in vals.items() if name != "order_line"})
        if vals.get("order_line"):
            values["order_line"] = [self._command(command) for command in vals["order_line"]]
        return values

    def _command(self, command: Sequence[Any]) -> tuple[int, int, Record]:
        code, number, *rest = command
        if code not in (0, 1, 2) or (code < 2 and not rest):
            raise ValueError(f"Invalid command {command!r} for sale.order.order_line")
        return code, int(number or 0), self.database.sale_lines.taken(rest[0]) if code < 2 else {}

    def check(self, batch: Sequence[Record], rows: Sequence[Record]) -> None:
        """Refuses relations to nothing, what a locked order protects, and what its lines refuse."""
        super().check(batch, rows)
        for values in batch:
            for name, model in (("partner_id", self.database.partners), ("warehouse_id", self.database.warehouses)):
                if values.get(name):
                    model.browse([values[name]])
            if any(row["locked"] for row in rows):
                forbid([self.fields[name].string for name in PROTECTED if name in values])
            for code, number, given in values.get("order_line", ()):
                self._check_line(code, number, given, bool(rows))

    def _check_line(self, code: int, number: int, values: Record, written: bool) -> None:
        lines = self.database.sale_lines
        if code == 0:
            # An order that is not made yet has no id for its lines.
            lines.check([{**values, "order_id": 0}], [])
        elif not written:
            raise ValidationError("A new order has no lines to change yet.")
        elif code == 1:
            lines.check([values], lines.browse([number]))
        else:
            lines.check_removal(lines.browse([number]))

    def insert(self, values: Record) -> Record:
        """The new order with its lines, numbered ``S00001`` and so on."""
        moment = self.database.stamp()
        plain = {name: value for name, value in values.items() if name != "order_line"}
        order = super().insert({"date_order": moment, **plain, "name": f"S{self.last_id + 1:05d}"})
        self._apply(order, values)
        return order

    def update(self, row: Record, values: Record) -> None:
        """Keeps the values, lines included; the order's write_date moves with its lines' too."""
        super().update(row, {name: value for name, value in values.items() if name != "order_line"})
        self._apply(row, values)
        self.become(row, {})

    def _apply(self, order: Record, values: Record) -> None:
        lines = self.database.sale_lines
        for code, number, given in values.get("order_line", ()):
            if code == 0:
                lines.insert({**given, "order_id": order["id"]})
            elif code == 1:
                lines.update(lines.rows[number], given)
            else:
                lines.remove(lines.rows[number])

    def remove(self, row: Record) -> None:
        for line in self.lines(row):
            self.database.sale_lines.remove(line)
        super().remove(row)


def forbid(labels: Sequence[str]) -> None:
    """Refuses fields of a locked order by their labels; none are fine."""
    if labels:
        listed = "\n".join(labels)
        raise OdooError(f"It is forbidden to modify the following fields in a locked order:\n{listed}")
