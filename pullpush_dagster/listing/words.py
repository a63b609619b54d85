"""Limits and ways of signing in, in words."""

from pullpush_dagster.connectors.auth_model import Auth
from pullpush_dagster.connectors.limits_model import Limits, Rate
from pullpush_dagster.connectors.model import ConnectorFile

_AUTH = {
    "none": "none",
    "bearer": "a bearer token",
    "basic": "user and password (Basic)",
    "oauth1": "OAuth 1.0a, a signature on every request",
    "login": "a session that is opened by a request",
}


def limits_in_words(limits: Limits) -> list[str]:
    """What is kept to and what is waited for, one phrase each."""
    found = [f"{limits.concurrency} at once"]
    if limits.rate is not None:
        found.append(_rate(limits.rate))
    if limits.cost is not None:
        found.append("within the budget of points that each answer tells")
    if limits.left is not None:
        found.append("as many as an answer says are left")
    told = [str(status) for status in limits.throttled] + limits.throttled_codes
    told += [f"{status} without JSON" for status in limits.throttled_bare]
    pause = f" (after {limits.pause:g} s, unless it says when)" if limits.pause else ""
    return [*found, f"slower when told {', '.join(told)}{pause}"] if told else found


def _rate(rate: Rate) -> str:
    every = {1.0: "second", 60.0: "minute", 3600.0: "hour"}.get(rate.seconds, f"{rate.seconds:g} s")
    return f"{rate.requests} per {every}" + (f", in bursts of {rate.burst}" if rate.burst > 1 else "")


def auth_in_words(facts: ConnectorFile) -> list[str]:
    """Every way to prove who one is, once each; where the scheme of the address decides, with that."""
    if isinstance(facts.auth, dict):
        return [f"{_auth(way)} over {scheme}" for scheme, way in facts.auth.items()]
    return list(dict.fromkeys(_auth(way) for way in facts.ways))


def _auth(way: Auth) -> str:
    if way.type == "header":
        return f"the header {way.header or 'Authorization'}"
    if way.type == "oauth2":
        return "OAuth 2.0, " + ("a refresh token" if way.refresh_token else "client credentials")
    return _AUTH[way.type]
