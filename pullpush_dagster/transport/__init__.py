"""The only HTTP: authentication, limits, Retry-After, caps, redaction, one origin per connection."""

from pullpush_dagster.transport.client import Answer, Client

__all__ = ["Answer", "Client"]
