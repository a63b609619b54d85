"""The stand-ins' clock: the real one at second grain, which a test may move or stop."""

from datetime import UTC, datetime, timedelta
from typing import Any


class Clock:
    """Gives the instant that stamps are made of."""

    def __init__(self) -> None:
        self._ahead = timedelta()
        self._frozen: datetime | None = None

    def now(self) -> datetime:
        """The present instant, UTC, whole seconds: both platforms compare stamps at that grain."""
        return self._frozen or self._real() + self._ahead

    def steer(self, order: dict[str, Any]) -> dict[str, Any]:
        """The new time after ``{"advance": seconds}`` and/or ``{"freeze": true | false}``.

        Frozen, two writes share one second for sure; advanced, they do not, and no test needs to sleep for either.
        """
        shift = timedelta(seconds=float(order.get("advance", 0)))
        self._ahead += shift
        if self._frozen:
            self._frozen += shift
        if "freeze" in order:
            self._frozen = self._real() + self._ahead if order["freeze"] else None
        return {"now": self.now().isoformat()}

    def _real(self) -> datetime:
        return datetime.now(UTC).replace(microsecond=0)
