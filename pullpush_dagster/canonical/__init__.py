"""Mean: what a platform's records say, in one model, whatever platform they came from."""

from pullpush_dagster.canonical.call import CALL
from pullpush_dagster.canonical.contact import CONTACT
from pullpush_dagster.canonical.entity import Entity
from pullpush_dagster.canonical.invoice import INVOICE
from pullpush_dagster.canonical.order import ORDER
from pullpush_dagster.canonical.product import PRODUCT
from pullpush_dagster.canonical.stocklevel import STOCKLEVEL

ENTITIES: dict[str, Entity] = {e.name: e for e in (STOCKLEVEL, ORDER, PRODUCT, CONTACT, CALL, INVOICE)}

__all__ = ["ENTITIES", "Entity"]
