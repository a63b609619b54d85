"""The only HTTP: authentication, limits, Retry-After, caps, redaction, one origin per connection."""

from pullpush_dagster.transport.answer import Answer
from pullpush_dagster.transport.client import Client

__all__ = ["Answer", "Client"]
