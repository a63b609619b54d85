"""What the shop refuses with: ``{code, message, data}`` as seen on WooCommerce 10.6 and 11.0, November 2026."""

from collections.abc import Mapping
from typing import Any


class WooError(Exception):
    """A refusal with its code, HTTP status and further data."""

    def __init__(self, code: str, message: str, status: int = 400, **data: Any) -> None:
        super().__init__(message)
        self.code = code
        self.status = status
        self.data = data

    def body(self) -> dict[str, Any]:
        """The refusal as JSON, alone or as the ``error`` of one item of a batch."""
        return {"code": self.code, "message": str(self), "data": {"status": self.status, **self.data}}


def invalid(reasons: Mapping[str, str]) -> WooError:
    """The refusal of parameters, each with its reason."""
    return WooError("rest_invalid_param", f"Invalid parameter(s): {', '.join(reasons)}", params=dict(reasons))


def unknown(status: int) -> WooError:
    """The refusal of an id that is not there: 404 when reading or deleting, 400 when updating."""
    return WooError("woocommerce_rest_product_invalid_id", "Invalid ID.", status)
