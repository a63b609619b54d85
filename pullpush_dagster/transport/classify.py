"""What an answer's status and error body mean to the caller."""

import datetime as dt
import math
import re
from collections.abc import Callable, Mapping
from email.utils import parsedate_to_datetime
from functools import lru_cache
from http import HTTPStatus

import orjson

from pullpush_dagster.connectors.limits_model import Limits
from pullpush_dagster.connectors.model import ConnectorFile
from pullpush_dagster.connectors.template import at
from pullpush_dagster.errors import (
    AuthError,
    ForbiddenError,
    PullPushError,
    RateLimitError,
    RejectError,
    UnavailableError,
)
from pullpush_dagster.transport.answer import Answer, read_json

# One of the values of a header that may have several; a date has a comma of its own.
_VALUE = re.compile(r"\s*((?:[A-Za-z]+, )?[^,]+)")


def fault_of(facts: ConnectorFile, answer: Answer, connection: str, clean: Callable[[str], str] = str) -> PullPushError:
    """The error that ``answer`` stands for; ``clean`` takes secrets out of what it says.

    A 5xx is *unknown*: the platform may have done the work before it failed, unless its error code is one
    the connector calls permanent (Odoo 19 answers 500 for an unknown field, however often one asks). One by which it
    says "slower" is no other, unless it says so itself, by a code or how long to wait. A redirect, or a web page that
    says that there is no such thing, refuses nothing: it may be there while a platform is being maintained. Nor does a
    402 refuse a record: it is said to all requests of an account that was not paid for.
    """
    limits, errors, status = facts.limits, facts.errors, answer.status
    body = _parsed(answer.content)
    code, message = _text(body, errors.code, clean), _text(body, errors.message, clean)
    said = f"{facts.title} answered {status}" + "".join(f": {part}" for part in (code, message) if part)
    busy = status in limits.throttled or (body is None and status in limits.throttled_bare)
    wait = retry_after(answer.headers, limits.wait)
    # What stands before the platform answers 503 too when it waits no longer for one that is at it, and says on a web
    # page (Varnish) when to come again.
    undone = status < 500 or (wait is not None and not _is_page(answer.content))
    if wait is None:
        wait = short_of(limits, answer.headers, body) or limits.pause
    if code in limits.throttled_codes or (busy and undone):
        return RateLimitError(said, retry_after=wait, connection=connection)
    if status in (401, 402, 403) or code in [*errors.refused, *errors.forbidden]:
        only_this = code in errors.forbidden or (status == HTTPStatus.FORBIDDEN and code not in errors.refused)
        kind = ForbiddenError if only_this else AuthError
        wrong = "what the account owes" if status == 402 else "the credentials and their rights"
        return kind(f"{said}: check {wrong}", connection=connection)
    if status == 408 or code in errors.transient or (status >= 500 and code not in errors.permanent):
        # Other 5xx come from what stands before the platform, which may be at it still.
        over = status == HTTPStatus.INTERNAL_SERVER_ERROR or code in errors.transient
        return UnavailableError(said, over=over, busy=busy, retry_after=wait if busy else None, connection=connection)
    redirected = 300 <= status < 400
    if redirected or (status in (404, 405) and _is_page(answer.content)):
        # Not the platform's own words, which would be JSON: its host may be busy with it, and soon be done.
        said = f"{said}: redirects are not followed; correct base_url" if redirected else f"{said} with HTML"
        return UnavailableError(said, over=True, connection=connection)
    return RejectError(said, code=code or None, status=status, connection=connection)


def no_proof(facts: ConnectorFile, answer: Answer, what: str) -> PullPushError:
    """The error that an answer stands for that should hold ``what``, which proves who we are.

    The request that needs it was not sent, whatever the platform did.
    """
    fault, status = fault_of(facts, answer, ""), answer.status
    said = f"{what} cannot be had now: {status}"
    if isinstance(fault, RateLimitError):
        return RateLimitError(said, retry_after=fault.retry_after)
    if isinstance(fault, UnavailableError) and fault.busy:
        return UnavailableError(said, sent=False, busy=True, retry_after=fault.retry_after)
    if status in (HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_MANY_REQUESTS) or status >= 500:
        return UnavailableError(said, sent=False)
    return AuthError(f"{what} was refused with {status}: check the credentials and their rights")


def _parsed(content: bytes) -> object:
    """None: it is no JSON."""
    try:
        return read_json(content)[1]
    except orjson.JSONDecodeError:
        return None


def _is_page(content: bytes) -> bool:
    return content.lstrip().startswith(b"<")


def error_inside(facts: ConnectorFile, body: object) -> bool:
    """Whether an answer that calls itself good holds an error."""
    found = at(body, facts.errors.inside) if facts.errors.inside else None
    return found is not None and found != []


def short_of(limits: Limits, headers: Mapping[str, str], body: object) -> float | None:
    """Seconds until there is room for another such request, by what an answer says; None: it says nothing of it."""
    if limits.cost is not None:
        asked, left, gains = (
            _number(at(body, path)) for path in (limits.cost.asked, limits.cost.left, limits.cost.gains)
        )
        if asked is not None and left is not None and gains:
            return max(0.0, (asked - left) / gains)
    if limits.left is not None and limits.reset is not None:
        left, reset = _number(headers.get(limits.left)), _number(headers.get(limits.reset))
        if left is not None and left <= 0 and reset is not None:
            return max(0.0, reset / (1000 if limits.reset_in == "ms" else 1))
    return None


def _number(value: object) -> float | None:
    try:
        number = float(str(value))
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def retry_after(headers: Mapping[str, str], name: str = "retry-after", now: dt.datetime | None = None) -> float | None:
    """Seconds to wait by the header ``name``, given in seconds or as an HTTP date; None: it does not say.

    A date is one by the platform's clock, so it is judged by the answer's own Date, else by ``now``. Where a proxy and
    the platform behind it both say it, the values come as one, with a comma between them: the longest counts.
    """
    waits = [wait for one in _VALUE.findall(headers.get(name, "")) if (wait := _wait(one, headers, now)) is not None]
    return max(waits, default=None)


def _wait(value: str, headers: Mapping[str, str], now: dt.datetime | None) -> float | None:
    if re.fullmatch(r"[0-9]+(\.[0-9]+)?", value):
        return float(value)
    when, said = http_date(value), http_date(headers.get("date", ""))
    return None if when is None else max(0.0, (when - (said or now or dt.datetime.now(dt.UTC))).total_seconds())


@lru_cache(maxsize=16)
def http_date(value: str) -> dt.datetime | None:
    """An HTTP date as a UTC instant; None: it is none. Answers of one second say the same."""
    try:
        when = parsedate_to_datetime(value)
        return when.replace(tzinfo=dt.UTC) if when.tzinfo is None else when.astimezone(dt.UTC)
    except (TypeError, ValueError, OverflowError):
        return None


def _text(body: object, paths: list[str], clean: Callable[[str], str]) -> str:
    found = next((found for path in paths if (found := at(body, path)) not in (None, "")), None)
    # First cleaned, then cut: half a secret is no longer found.
    return " ".join(clean(str(found)).split())[:200] if found is not None else ""
