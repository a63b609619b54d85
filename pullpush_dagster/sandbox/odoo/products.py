"""Templates and their variants: product.template and product.product, which inherits the template's fields."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import ClassVar

from pullpush_dagster.sandbox.odoo.errors import OdooError, ValidationError
from pullpush_dagster.sandbox.odoo.fields import Field
from pullpush_dagster.sandbox.odoo.orm import Context, Getter, Model, Record

INHERITED: Mapping[str, Field] = {
    "name": Field("char", "Name", required=True),
    "description_sale": Field("text", "Sales Description"),
    "list_price": Field("float", "Sales Price", default=1.0),
    "type": Field("selection", "Product Type", selection=("consu", "service", "combo"), default="consu"),
    "is_storable": Field("boolean", "Track Inventory"),
    "sale_ok": Field("boolean", "Sales", default=True),
    "currency_id": Field("many2one", "Currency", readonly=True, relation="res.currency", default=1),
}
QUANTITIES: Mapping[str, Field] = {
    "qty_available": Field("float", "Quantity On Hand", readonly=True, stored=False),
    "outgoing_qty": Field("float", "Outgoing", readonly=True, stored=False),
    "incoming_qty": Field("float", "Incoming", readonly=True, stored=False),
    "virtual_available": Field("float", "Forecasted Quantity", readonly=True, stored=False),
    "free_qty": Field("float", "Free To Use Quantity", readonly=True, stored=False),
}
VARIANT = ("default_code", "barcode")


class Template(Model):
    """product.template; ``default_code`` and ``barcode`` are those of its only variant, empty with several."""

    name = "product.template"
    order = "name, id"
    own: ClassVar[Mapping[str, Field]] = {
        **INHERITED,
        "active": Field("boolean", "Active", default=True),
        "default_code": Field("char", "Internal Reference", stored=False),
        "barcode": Field("char", "Barcode", stored=False),
        "product_variant_ids": Field("one2many", "Products", readonly=True, stored=False, relation="product.product"),
    }

    def getter(self, name: str, context: Context) -> Getter:
        products = self.database.products
        if name == "product_variant_ids":
            return lambda row: sorted(products.variants[row["id"]])
        if name in VARIANT:

            def only(row: Record) -> object:
                variants = products.variants[row["id"]]
                return products.rows[next(iter(variants))][name] if len(variants) == 1 else None

            return only
        return super().getter(name, context)

    def insert(self, values: Record) -> Record:
        """The new template, which always has a first variant."""
        row = self.bare(values)
        own: Record = {name: values[name] for name in (*VARIANT, "active") if name in values}
        self.database.products.insert({**own, "product_tmpl_id": row["id"]})
        return row

    def bare(self, values: Record) -> Record:
        """The new template without a variant."""
        row = super().insert({name: value for name, value in values.items() if name not in VARIANT})
        self.database.products.variants[row["id"]] = set()
        return row

    def update(self, row: Record, values: Record) -> None:
        """Keeps the values; archiving reaches the variants, and SKU and barcode go to the only one."""
        products = self.database.products
        variants = [products.rows[number] for number in sorted(products.variants[row["id"]])]
        super().update(row, {name: value for name, value in values.items() if name not in VARIANT})
        passed = VARIANT if len(variants) == 1 else ()
        own = {name: values[name] for name in (*passed, "active") if name in values}
        for variant in variants:
            products.update(variant, own)

    def remove(self, row: Record) -> None:
        for number in sorted(self.database.products.variants[row["id"]]):
            self.database.products.remove(self.database.products.rows[number])

    def display(self, row: Record) -> str:
        """``[SKU] name``, as lists and relations show a product."""
        code = self.getter("default_code", {})(row)
        return f"[{code}] {row['name']}" if code else str(row["name"])


class Product(Model):
    """product.product: a variant's own fields, the template's fields read and written through it, and quantities.

    The SKU is not unique: two rows may share one default_code (seen on Odoo 19.0). Barcodes are unique.
    """

    name = "product.product"
    order = "default_code, name, id"
    own: ClassVar[Mapping[str, Field]] = {
        "default_code": Field("char", "Internal Reference"),
        "barcode": Field("char", "Barcode"),
        "active": Field("boolean", "Active", default=True),
        "product_tmpl_id": Field("many2one", "Product Template", relation="product.template"),
        "lst_price": Field("float", "Sales Price", stored=False),
        **{name: replace(kind, stored=False, required=False) for name, kind in INHERITED.items()},
        **QUANTITIES,
    }

    variants: dict[int, set[int]]
    barcodes: Counter[str]

    def getter(self, name: str, context: Context) -> Getter:
        if name in QUANTITIES:
            return self.database.stock.quantity(name, context)
        if name in INHERITED or name == "lst_price":
            field = "list_price" if name == "lst_price" else name
            templates = self.database.templates.rows
            return lambda row: templates[row["product_tmpl_id"]][field]
        return super().getter(name, context)

    def check(self, batch: Sequence[Record], rows: Sequence[Record]) -> None:
        """Refuses a product without a name and a barcode that another row has.

        Raises:
            ValidationError: with Odoo's wording.
        """
        for values in batch:
            if not rows and not values.get("product_tmpl_id") and not values.get("name"):
                raise ValidationError("Missing required value for the field 'Name' (name).")
            if rows and "name" in values and not values["name"]:
                raise ValidationError("Missing required value for the field 'Name' (name).")
        if not rows or "barcode" in batch[0]:
            self._check_barcodes(batch, rows)

    def _check_barcodes(self, batch: Sequence[Record], rows: Sequence[Record]) -> None:
        kept = self.barcodes - Counter(row["barcode"] for row in rows if row["barcode"])
        new = Counter(values["barcode"] for values in batch if values.get("barcode"))
        for barcode, times in new.items():
            if times * max(1, len(rows)) + kept[barcode] > 1:
                raise ValidationError(f"Barcode(s) already assigned: {barcode}")

    def insert(self, values: Record) -> Record:
        """The new variant, with a template of its own unless one is named."""
        own, shared = self._parted(values)
        if not own.get("product_tmpl_id"):
            stamps: Record = {name: values[name] for name in ("create_date", "write_date") if name in values}
            template: Record = {"active": own.get("active", True), **shared, **stamps}
            own["product_tmpl_id"] = self.database.templates.bare(template)["id"]
        row = super().insert(own)
        self.variants[row["product_tmpl_id"]].add(row["id"])
        self.barcodes.update([row["barcode"]] if row["barcode"] else [])
        return row

    def update(self, row: Record, values: Record) -> None:
        """Keeps the values where they belong.

        Own fields move this row's write_date, inherited ones the template's alone, so a cursor over product.product
        must ask for both stamps. Archiving the last active variant archives the template.
        """
        own, shared = self._parted(values)
        if "barcode" in own:
            self.barcodes.subtract([row["barcode"]] if row["barcode"] else [])
            self.barcodes.update([own["barcode"]] if own["barcode"] else [])
        super().update(row, own)
        template = self.database.templates.rows[row["product_tmpl_id"]]
        if "active" in own:
            active = any(self.rows[number]["active"] for number in self.variants[template["id"]])
            shared |= {"active": active} if active != template["active"] else {}
        Model.update(self.database.templates, template, shared)

    def remove(self, row: Record) -> None:
        """Forgets the variant, and its template with the last one.

        Raises:
            OdooError: the product has stock moves (seen on Odoo 19.0: unlink of a used product is a 422).
        """
        if self.database.stock.moved(row["id"]):
            raise OdooError("You cannot delete a product that has stock moves. Archive it instead.")
        self.forget(row)

    def forget(self, row: Record) -> None:
        """Removes the variant, moves or not."""
        super().remove(row)
        self.barcodes.subtract([row["barcode"]] if row["barcode"] else [])
        siblings = self.variants[row["product_tmpl_id"]]
        siblings.discard(row["id"])
        if not siblings:
            del self.variants[row["product_tmpl_id"]]
            del self.database.templates.rows[row["product_tmpl_id"]]

    def display(self, row: Record) -> str:
        """``[SKU] name``, as lists and relations show a product."""
        name = self.database.templates.rows[row["product_tmpl_id"]]["name"]
        return f"[{row['default_code']}] {name}" if row["default_code"] else str(name)

    @staticmethod
    def _parted(values: Record) -> tuple[Record, Record]:
        """The variant's own values and those of its template; ``lst_price`` is the template's list_price."""
        shared = {name: value for name, value in values.items() if name in INHERITED}
        if "lst_price" in values:
            shared["list_price"] = values["lst_price"]
        own = {name: value for name, value in values.items() if name not in INHERITED and name != "lst_price"}
        return own, shared


class Currency(Model):
    """res.currency: the company's one currency."""

    name = "res.currency"
    own: ClassVar[Mapping[str, Field]] = {"name": Field("char", "Currency", required=True)}
