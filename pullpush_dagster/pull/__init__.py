"""Ask: pages of a platform's records, spooled outside the store, kept raw, read into canonical frames."""

from pullpush_dagster.pull.keeping import Pulled
from pullpush_dagster.pull.pulling import pull_records, read_pulls
from pullpush_dagster.pull.window import Window

__all__ = ["Pulled", "Window", "pull_records", "read_pulls"]
