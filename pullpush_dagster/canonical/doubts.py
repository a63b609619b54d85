"""What the texts of a record leave in doubt, and the JSON types that end it."""

from pullpush_dagster.canonical.native import NOWHERE, json_path
from pullpush_dagster.canonical.shape import RecordShape, every, items_sql, page_sql
from pullpush_dagster.store.sql import literal

# A sum of these is a BIGINT; places past the last one share one, of which it is never said which it is.
_BITS = 60


class Doubts:
    """Places of which a text alone may not say what the platform meant: a null and an absence are both NULL.

    To look at JSON types is to parse again, so it is done only where some record is in doubt, for all of a body at
    once: mostly it is one and the same field.
    """

    def __init__(self, shape: RecordShape) -> None:
        self.shape = shape
        self.kinds: dict[str, dict[str, None]] = {}

    def kind(self, path: str) -> str:
        """SQL of the JSON type at ``path``: 'NULL' for a null, SQL NULL for an absence, or where no doubt is."""
        place = json_path(path)
        if place == NOWHERE:
            return "NULL"
        self.kinds.setdefault(place, {})
        at = list(self.kinds).index(place)
        single = f"WHEN {1 << at} THEN one " if at < _BITS else ""
        return f"CASE doubts {single}ELSE kinds[{at + 1}] END"

    def note(self, path: str, condition: str) -> str:
        """``condition`` on a record ``r``, under which its JSON type at ``path`` is looked up."""
        place = json_path(path)
        if place != NOWHERE:
            self.kinds.setdefault(place, {})[condition] = None
        return condition

    def sql(self) -> str:
        """The table ``typed``, made of ``parsed(_page, _askedAt, _at, body, items)``: what is in doubt.

        ``doubts`` has a bit for each place that some record of a body is in doubt of. Where that is one place, and
        there in every record, ``one`` has its type in each. Else ``wholes`` has each record as JSON, for ``kinds_sql``.
        """
        bare = ", json_type(body, '$[0].row') = 'NULL' AS bare" if self.shape.rows else ""
        wholes = items_sql(self.shape, "JSON")
        return f"""doubted AS (
    SELECT {page_sql(self.shape)} AS _page, _askedAt, _at, body, items, {self._mask()} AS doubts{bare} FROM parsed
), single AS (
    SELECT *, {self._single()} AS one FROM doubted
), typed AS (
    SELECT * REPLACE (CASE WHEN doubts = 0 OR len(one) = len(items) THEN doubts ELSE -1 END AS doubts),
           CASE WHEN doubts > 0 AND len(one) IS DISTINCT FROM len(items) THEN {wholes} END AS wholes
    FROM single
)"""

    def kinds_sql(self) -> str:
        """All types of a record that is in doubt, of its ``whole``."""
        paths = ", ".join(literal(place) for place in self.kinds) or "'$'"
        doubts = " OR ".join(condition for conditions in self.kinds.values() for condition in conditions) or "false"
        return f"CASE WHEN whole IS NOT NULL AND ({doubts}) THEN json_type(whole, [{paths}]) END"

    def _mask(self) -> str:
        flags = [
            f"CASE WHEN {' OR '.join(conditions)} THEN {1 << min(at, _BITS)} ELSE 0 END"
            for at, conditions in enumerate(self.kinds.values())
            if conditions
        ]
        mask = f"list_bit_or(list_transform(items, lambda r: {' | '.join(flags)}))" if flags else "0"
        return f"coalesce(CAST({mask} AS BIGINT), 0)"

    def _single(self) -> str:
        """The types at the only place in doubt, of all records that have it."""
        arms = " ".join(
            f"WHEN {1 << at} THEN json_type(body, {literal(every(self.shape, place))})"
            for at, place in enumerate(list(self.kinds)[:_BITS])
        )
        return f"CASE doubts {arms} END" if arms else "CAST(NULL AS VARCHAR[])"
