"""Warehouses, locations, quants and moves, and the quantities that follow from them."""

from collections.abc import Mapping, Sequence
from typing import ClassVar

from pullpush_dagster.sandbox.odoo.errors import OdooError, ValidationError
from pullpush_dagster.sandbox.odoo.fields import Field
from pullpush_dagster.sandbox.odoo.orm import Context, Env, Getter, Model, Record, on_model

COUNTED = ("inventory_quantity_auto_apply", "inventory_quantity")


class Warehouse(Model):
    """stock.warehouse; its stock lies in ``lot_stock_id``."""

    name = "stock.warehouse"
    own: ClassVar[Mapping[str, Field]] = {
        "name": Field("char", "Warehouse", required=True),
        "code": Field("char", "Short Name", required=True),
        "active": Field("boolean", "Active", default=True),
        "lot_stock_id": Field("many2one", "Location Stock", relation="stock.location"),
    }


class Location(Model):
    """stock.location; only ``internal`` ones hold stock of ours."""

    name = "stock.location"
    order = "complete_name, id"
    own: ClassVar[Mapping[str, Field]] = {
        "name": Field("char", "Location Name", required=True),
        "complete_name": Field("char", "Full Location Name", readonly=True),
        "usage": Field("char", "Location Type", default="internal"),
        "active": Field("boolean", "Active", default=True),
        "warehouse_id": Field("many2one", "Warehouse", readonly=True, relation="stock.warehouse"),
    }

    def display(self, row: Record) -> str:
        """The full name, such as ``WH/Stock``."""
        return str(row["complete_name"])


class Move(Model):
    """stock.move: units that went, or are to go, from one location to another; written by stock changes alone."""

    name = "stock.move"
    own: ClassVar[Mapping[str, Field]] = {
        "product_id": Field("many2one", "Product", readonly=True, relation="product.product"),
        "product_uom_qty": Field("float", "Demand", readonly=True),
        "quantity": Field("float", "Quantity", readonly=True),
        "location_id": Field("many2one", "Source Location", readonly=True, relation="stock.location"),
        "location_dest_id": Field("many2one", "Destination Location", readonly=True, relation="stock.location"),
        "state": Field("char", "Status", readonly=True, default="draft"),
        "date": Field("datetime", "Date", readonly=True),
        "reference": Field("char", "Reference", readonly=True),
        "origin": Field("char", "Source Document", readonly=True),
        "is_inventory": Field("boolean", "Inventory", readonly=True),
        "sale_line_id": Field("many2one", "Sale Line", readonly=True, relation="sale.order.line"),
    }

    def check(self, _batch: Sequence[Record], _rows: Sequence[Record]) -> None:
        """Refuses direct writes: they are no part of what was seen."""
        raise OdooError("Stock moves are made by stock changes and orders here.")

    def remove(self, _row: Record) -> None:
        """Refuses, as Odoo does for moves that were done."""
        raise OdooError("You can only delete draft or cancelled moves.")

    def display(self, row: Record) -> str:
        """What caused the move."""
        return str(row["reference"] or f"stock.move,{row['id']}")


class Quant(Model):
    """stock.quant: units of a product in a location.

    A missing row is a product never stocked there, or one whose zero row was cleaned away: the quants alone do not
    tell the two apart (seen on Odoo 19.0).
    """

    name = "stock.quant"
    own: ClassVar[Mapping[str, Field]] = {
        "product_id": Field("many2one", "Product", required=True, relation="product.product"),
        "location_id": Field("many2one", "Location", required=True, relation="stock.location"),
        "quantity": Field("float", "Quantity", stored=True),
        "reserved_quantity": Field("float", "Reserved Quantity", readonly=True),
        "available_quantity": Field("float", "Available Quantity", readonly=True, stored=False),
        "inventory_quantity": Field("float", "Counted Quantity", stored=False),
        "inventory_quantity_auto_apply": Field("float", "Inventoried Quantity", stored=False),
    }

    by_place: dict[tuple[int, int], Record]

    def getter(self, name: str, context: Context) -> Getter:
        if name in COUNTED or name == "available_quantity":
            return lambda row: row["quantity"] - row["reserved_quantity"] * (name == "available_quantity")
        return super().getter(name, context)

    @on_model
    def action_view_inventory(self, _env: Env) -> Record:
        """The action that opens Physical Inventory; opening it deletes the zero rows (seen on Odoo 19.0)."""
        self.drop_zeros()
        return {"type": "ir.actions.act_window", "res_model": self.name, "name": "Physical Inventory"}

    def drop_zeros(self) -> int:
        """How many zero rows were deleted."""
        zeros = [row for row in self.rows.values() if row["quantity"] == 0 and row["reserved_quantity"] == 0]
        for row in zeros:
            self.remove(row)
        return len(zeros)

    def check(self, batch: Sequence[Record], rows: Sequence[Record]) -> None:
        """Refuses what cannot be counted: an untracked product, a place that is not ours, a bare ``quantity``."""
        if not rows:
            super().check(batch, rows)
        for values in batch:
            if "quantity" in values or "inventory_quantity_auto_apply" not in values:
                raise OdooError("Quant's editing is restricted, you can't do this operation.")
            if not rows:
                self._check_place(values)

    def _check_place(self, values: Record) -> None:
        database = self.database
        product = database.products.rows.get(values["product_id"])
        location = database.locations.rows.get(values["location_id"])
        if product is None or location is None:
            raise ValidationError("The product or the location does not exist.")
        if not database.templates.rows[product["product_tmpl_id"]]["is_storable"]:
            raise ValidationError("Quants cannot be created for consumables or services.")
        if location["usage"] != "internal":
            raise ValidationError(f"You cannot count products in {location['complete_name']}.")

    def insert(self, values: Record) -> Record:
        """The row of that product and place, new or not, with its stock set to the counted quantity."""
        place = values["product_id"], values["location_id"]
        return self.database.stock.set(*place, values["inventory_quantity_auto_apply"])

    def update(self, row: Record, values: Record) -> None:
        """Sets the stock to the counted quantity: absolute, so sending it twice is harmless."""
        self.database.stock.set(row["product_id"], row["location_id"], values["inventory_quantity_auto_apply"])

    def place(self, product: int, location: int) -> Record:
        """The row of a product and place, made with 0 units if there is none."""
        key = product, location
        if key not in self.by_place:
            self.by_place[key] = super().insert({"product_id": product, "location_id": location})
        return self.by_place[key]

    def remove(self, row: Record) -> None:
        super().remove(row)
        del self.by_place[row["product_id"], row["location_id"]]

    def display(self, row: Record) -> str:
        """The product's name."""
        return self.database.products.display(self.database.products.rows[row["product_id"]])
