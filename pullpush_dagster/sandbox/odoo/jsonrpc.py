"""JSON-RPC (``POST /jsonrpc``), how Odoo up to 18 is called: errors as seen on 19.0, the rest as in 18's source."""

import hmac
from collections.abc import Mapping
from typing import Any

from pullpush_dagster.sandbox.odoo.database import Database
from pullpush_dagster.sandbox.odoo.errors import AccessDenied, described

DATABASE, USER, UID = "sandbox", "admin", 2


def answered(database: Database, key: str, message: Mapping[str, Any]) -> dict[str, Any]:
    """What a message is answered, always under 200; a method that returns nothing leaves ``result`` out."""
    answer = {"jsonrpc": "2.0", "id": message.get("id")}
    try:
        result = _dispatched(database, key, **message["params"])
    except Exception as error:  # noqa: BLE001 - whatever a call raises is an answer, as on the real server
        _, data = described(error)
        return answer | {"error": {"code": 200, "message": "Odoo Server Error", "data": data}}
    return answer | ({} if result is None else {"result": result})


def _dispatched(database: Database, key: str, service: str, method: str, args: list[Any]) -> Any:
    if (service, method) == ("common", "login"):
        name, user, given = args
        return UID if (name, user) == (DATABASE, USER) and _same(given, key) else False
    if (service, method) != ("object", "execute_kw"):
        raise NameError(f"Method not available {method}")
    name, user, given, *call = args
    if (name, user) != (DATABASE, UID) or not _same(given, key):
        raise AccessDenied("Access Denied")
    return _executed(database, *call)


def _executed(
    database: Database, model: str, method: str, args: list[Any], named: Mapping[str, Any] | None = None
) -> Any:
    """As ``call_kw`` has it: ids, and what is created, are found by their place alone."""
    ids, rest, given = (), args, dict(named or {})
    if database.takes_ids(model, method):
        ids, rest = args[0], args[1:]
    one = method == "create" and isinstance(args[0], Mapping)
    result = database.call(model, method, ids, given.pop("context", None) or {}, given, rest)
    return result[0] if one else result


def _same(given: object, key: str) -> bool:
    return hmac.compare_digest(str(given).encode(), key.encode())
