"""What an answer's status and error body mean to the caller."""

import datetime as dt
from collections.abc import Callable, Mapping
from email.utils import parsedate_to_datetime
from http import HTTPStatus

from pullpush_dagster.connectors.model import ConnectorFile
from pullpush_dagster.connectors.template import at
from pullpush_dagster.errors import AuthError, PullPushError, RateLimitError, RejectError, UnavailableError


def fault_of(
    facts: ConnectorFile,
    status: int,
    headers: Mapping[str, str],
    body: object,
    connection: str,
    clean: Callable[[str], str] = str,
) -> PullPushError:
    """The error that an answer with a status outside 2xx stands for; ``clean`` takes secrets out of what it says.

    A 5xx is *unknown*: the platform may have done the work before it failed, unless its error code is one
    the connector calls permanent (Odoo 19 answers 500 for an unknown field, however often one asks).
    """
    code, message = _text(body, facts.errors.code, clean), _text(body, facts.errors.message, clean)
    said = f"{facts.title} answered {status}" + "".join(f": {part}" for part in (code, message) if part)
    if status in (401, 403):
        return AuthError(f"{said}: check the credentials and their rights", connection=connection)
    if status in facts.limits.throttled:
        return RateLimitError(said, retry_after=retry_after(headers), connection=connection)
    if status == 408 or (status >= 500 and code not in facts.errors.permanent):
        # Other 5xx come from what stands before the platform, which may be at it still.
        return UnavailableError(said, over=status == HTTPStatus.INTERNAL_SERVER_ERROR, connection=connection)
    if 300 <= status < 400:
        said = f"{said}: redirects are not followed; correct base_url"
    return RejectError(said, code=code or None, status=status, connection=connection)


def retry_after(headers: Mapping[str, str], now: dt.datetime | None = None) -> float | None:
    """Seconds to wait by the Retry-After header, given in seconds or as an HTTP date; None: it does not say.

    A date is one by the platform's clock, so it is judged by the answer's own Date, else by ``now``.
    """
    value = headers.get("retry-after", "")
    if value.isascii() and value.isdigit():
        return float(value)
    when, said = http_date(value), http_date(headers.get("date", ""))
    return None if when is None else max(0.0, (when - (said or now or dt.datetime.now(dt.UTC))).total_seconds())


def http_date(value: str) -> dt.datetime | None:
    """An HTTP date as a UTC instant; None: it is none."""
    try:
        when = parsedate_to_datetime(value)
        return when.replace(tzinfo=dt.UTC) if when.tzinfo is None else when.astimezone(dt.UTC)
    except (TypeError, ValueError, OverflowError):
        return None


def _text(body: object, path: str | None, clean: Callable[[str], str]) -> str:
    found = at(body, path) if path else None
    # First cleaned, then cut: half a secret is no longer found.
    return " ".join(clean(str(found)).split())[:200] if found else ""
