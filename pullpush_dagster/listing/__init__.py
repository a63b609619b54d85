"""What each connector can do, told to people, to programs and as pages of the documentation."""

from pullpush_dagster.listing.facts import Cell, Listing, built_in, every, listed

__all__ = ["Cell", "Listing", "built_in", "every", "listed"]
