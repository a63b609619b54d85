"""Stock as a whole: booking units, promising them, and counting what a product has in a scope of locations."""

from collections import defaultdict
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from pullpush_dagster.sandbox.odoo.orm import Context, Getter, Model, Record

if TYPE_CHECKING:
    from pullpush_dagster.sandbox.odoo.database import Database

OPEN = ("waiting", "confirmed", "assigned", "partially_available")
Amount = Callable[[int, frozenset[int]], float]


class Stock:
    """Books units and answers quantities; keeps the open moves of each product at hand."""

    def __init__(self, database: "Database") -> None:
        self.database = database
        self.open: dict[int, dict[int, Record]] = defaultdict(dict)
        self.moves: dict[int, set[int]] = defaultdict(set)

    def set(self, product: int, location: int, quantity: float, reference: str = "Physical Inventory") -> Record:
        """The quant after its stock was set, by a done move of the difference.

        The product's write_date stays (seen on Odoo 19.0): a cursor over products never sees a stock change.
        """
        quant = self.database.quants.place(product, location)
        difference = quantity - quant["quantity"]
        outside = self.database.places["inventory"]
        way = (outside, location) if difference >= 0 else (location, outside)
        self.move(product, abs(difference), way, "done", reference)
        Model.update(self.database.quants, quant, {"quantity": quantity})
        return quant

    def promise(self, product: int, location: int, units: float, incoming: bool = False) -> None:
        """Opens a confirmed move to a customer, or from a supplier; nothing is reserved by it."""
        customer, supplier = self.database.places["customer"], self.database.places["supplier"]
        way = (supplier, location) if incoming else (location, customer)
        self.move(product, units, way, "confirmed", "Order")

    def cancel(self, product: int, location: int) -> None:
        """Cancels the product's open moves out of the location."""
        for move in list(self.open[product].values()):
            if move["location_id"] == location:
                Model.update(self.database.moves, move, {"state": "cancel"})
                del self.open[product][move["id"]]

    def reserve(self, line: Record, location: int, units: float, reference: str) -> None:
        """Has one open move of so many units to the customer for the line of a sales order."""
        move = self._open_move(line)
        if move and move["location_id"] == location:
            if move["product_uom_qty"] != units:
                Model.update(self.database.moves, move, {"product_uom_qty": units})
            return
        self.withdraw(line)
        way = location, self.database.places["customer"]
        move = self.move(line["product_id"], units, way, "confirmed", reference)
        move |= {"sale_line_id": line["id"], "origin": reference}

    def withdraw(self, line: Record) -> None:
        """Cancels the line's open move, if it has one."""
        if move := self._open_move(line):
            self._close(move, {"state": "cancel"})

    def ship(self, line: Record) -> None:
        """Does the line's open move: the units leave the location and are outgoing no more."""
        if move := self._open_move(line):
            quant = self.database.quants.place(move["product_id"], move["location_id"])
            Model.update(self.database.quants, quant, {"quantity": quant["quantity"] - move["product_uom_qty"]})
            date = self.database.stamp()
            self._close(move, {"state": "done", "quantity": move["product_uom_qty"], "date": date})

    def _open_move(self, line: Record) -> Record | None:
        moves = self.open.get(line["product_id"], {}).values()
        return next((move for move in moves if move["sale_line_id"] == line["id"]), None)

    def _close(self, move: Record, values: Record) -> None:
        Model.update(self.database.moves, move, values)
        del self.open[move["product_id"]][move["id"]]

    def move(self, product: int, units: float, way: tuple[int, int], state: str, reference: str) -> Record:
        """The new move."""
        values = {
            "product_id": product,
            "product_uom_qty": units,
            "quantity": units if state == "done" else 0.0,
            "location_id": way[0],
            "location_dest_id": way[1],
            "state": state,
            "date": self.database.stamp(),
            "reference": reference,
            "is_inventory": reference == "Physical Inventory",
        }
        move = Model.insert(self.database.moves, values)
        self.moves[product].add(move["id"])
        if state in OPEN:
            self.open[product][move["id"]] = move
        return move

    def moved(self, product: int) -> bool:
        """Whether the product was ever in a move."""
        return bool(self.moves[product])

    def forget(self, product: int, location: int) -> None:
        """Makes the product one that was never stocked at the location: no quant and no move there."""
        quant = self.database.quants.by_place.get((product, location))
        if quant:
            self.database.quants.remove(quant)
        for number in list(self.moves[product]):
            move = self.database.moves.rows[number]
            if location in (move["location_id"], move["location_dest_id"]):
                del self.database.moves.rows[number]
                self.moves[product].discard(number)
                self.open[product].pop(number, None)

    def quantity(self, name: str, context: Context) -> Getter:
        """One of the computed quantities of a product row, over the context's locations.

        0.0 for a storable product never stocked, for one with a zero quant and for a service alike: the number does
        not tell what is tracked (seen on Odoo 19.0). ``free_qty`` does not fall when an order is confirmed.
        """
        scope = self.scope(context)
        amount = self._amounts()[name]
        templates = self.database.templates.rows

        def counted(row: Record) -> float:
            tracked = templates[row["product_tmpl_id"]]["is_storable"]
            return amount(row["id"], scope) if tracked else 0.0

        return counted

    def scope(self, context: Context) -> frozenset[int]:
        """The locations that count: ``warehouse_id`` or ``location`` in the context, an id or a list, else all ours."""
        locations = self.database.locations.rows
        wanted = context.get("location") or None
        if wanted is not None:
            return frozenset(wanted if isinstance(wanted, list) else [wanted])
        warehouses = context.get("warehouse_id") or None
        chosen = None if warehouses is None else warehouses if isinstance(warehouses, list) else [warehouses]
        ours = (row for row in locations.values() if row["usage"] == "internal")
        return frozenset(row["id"] for row in ours if chosen is None or row["warehouse_id"] in chosen)

    def _amounts(self) -> Mapping[str, Amount]:
        return {
            "qty_available": self.on_hand,
            "free_qty": self.on_hand,
            "outgoing_qty": self.outgoing,
            "incoming_qty": self.incoming,
            "virtual_available": lambda product, scope: (
                self.on_hand(product, scope) + self.incoming(product, scope) - self.outgoing(product, scope)
            ),
        }

    def on_hand(self, product: int, scope: frozenset[int]) -> float:
        """Units lying in the scope."""
        places = self.database.quants.by_place
        quants = (places.get((product, location)) for location in scope)
        return float(sum(quant["quantity"] for quant in quants if quant))

    def outgoing(self, product: int, scope: frozenset[int]) -> float:
        """Units of open moves that leave the scope."""
        return self._promised(product, scope, "location_id", "location_dest_id")

    def incoming(self, product: int, scope: frozenset[int]) -> float:
        """Units of open moves that enter the scope."""
        return self._promised(product, scope, "location_dest_id", "location_id")

    def _promised(self, product: int, scope: frozenset[int], inside: str, outside: str) -> float:
        moves = self.open.get(product, {}).values()
        return float(sum(m["product_uom_qty"] for m in moves if m[inside] in scope and m[outside] not in scope))
