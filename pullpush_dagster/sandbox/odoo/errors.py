"""What a JSON-2 call fails with: status and body as seen on Odoo 19.0, November 2026."""

import traceback
from typing import Any


class OdooError(Exception):
    """A fault that Odoo answers with a status of its own; any other exception becomes a 500 under its own name."""

    status = 422
    name = "odoo.exceptions.UserError"


class ValidationError(OdooError):
    """A value that breaks a constraint."""

    name = "odoo.exceptions.ValidationError"


class AccessDenied(OdooError):
    """No such user, or not with that key."""

    status = 403
    name = "odoo.exceptions.AccessDenied"


class MissingError(OdooError):
    """A write on a row that is gone."""

    status = 404
    name = "odoo.exceptions.MissingError"


class NotFound(OdooError):
    """No such model or method."""

    status = 404
    name = "werkzeug.exceptions.NotFound"


class Unprocessable(OdooError):
    """Arguments that the method does not take, or that it misses."""

    name = "werkzeug.exceptions.UnprocessableEntity"


class Unauthorized(OdooError):
    """No API key, or one that is not known."""

    status = 401
    name = "werkzeug.exceptions.Unauthorized"


def described(error: Exception) -> tuple[int, dict[str, Any]]:
    """Status and body for an error.

    ``debug`` is a full traceback, which a caller must keep out of its logs. An unknown field is a plain ValueError
    and so a 500, though asking again will never help.
    """
    known = isinstance(error, OdooError)
    status = error.status if isinstance(error, OdooError) else 500
    name = error.name if isinstance(error, OdooError) else f"{type(error).__module__}.{type(error).__name__}"
    http = known and name.startswith("werkzeug.")
    body: dict[str, Any] = {
        "name": name,
        "message": str(error),
        "arguments": [str(error), status] if http else [str(error)],
        "context": {},
        "debug": "".join(traceback.format_exception(error)),
    }
    return status, body
