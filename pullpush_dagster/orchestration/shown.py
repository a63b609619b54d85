"""Pictures for the UI: small ones, drawn in text."""

from collections.abc import Sequence

import dagster as dg

_BARS = " ▁▂▃▄▅▆▇█"


def bars(counts: Sequence[int]) -> dg.MarkdownMetadataValue:
    """``counts`` as a row of bars, oldest first, with the smallest and largest beside it."""
    top = max(counts, default=0)
    drawn = "".join(_BARS[0 if not top else max(1, round(8 * count / top)) if count else 0] for count in counts)
    return dg.MetadataValue.md(f"`{drawn}` {min(counts, default=0):,} to {top:,}")
