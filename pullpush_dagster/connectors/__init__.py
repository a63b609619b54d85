"""One platform = one YAML of facts, and, only if a table cannot say it, one small .py of hooks."""

from pullpush_dagster.connectors.loading import Connector, load_connector

__all__ = ["Connector", "load_connector"]
