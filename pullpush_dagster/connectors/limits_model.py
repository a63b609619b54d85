"""What a platform bears, and how it says that it was too much or is wrong, in a connector file."""

from typing import Literal

from pydantic import Field

from pullpush_dagster.connectors.request import Fact, Several


class Rate(Fact):
    """A token bucket: a request takes a token, ``requests`` tokens come in ``seconds``, and it holds ``burst``.

    So in no stretch of ``seconds`` do more than ``requests + burst - 1`` go out.
    """

    requests: int = Field(ge=1)
    seconds: float = Field(default=1.0, gt=0)
    burst: int = Field(default=1, ge=1)

    @property
    def interval(self) -> float:
        """Seconds in which one token comes."""
        return self.seconds / self.requests


class Cost(Fact):
    """Paths of a budget of points in every answer: what one such request asks for, has left, and gains a second."""

    asked: str
    left: str
    gains: str


class Limits(Fact):
    """What the platform bears, of all processes that use one connection together.

    Attributes:
        concurrency: requests in flight. rate: how many may start; None: it states none.
        throttled: statuses by which it says "slower". Under a 5xx a request may have been done all the same, unless
            ``wait`` or a code is there too. throttled_codes: error codes that say the same, under whatever status.
            throttled_bare: statuses that say it where the answer is no JSON.
        wait: the header that says how long to wait, in seconds or as a date. pause: seconds to wait where it
            does not say.
        left, reset: headers that say how many requests are left, and in how long there will be more, in ``reset_in``.
        cost: where each answer says what it cost of a budget of points.
        attempts: how often a request that changes nothing is asked.
        timeout: seconds for one whole exchange. A push's lease outlives it, so it has an upper bound.
    """

    concurrency: int = Field(default=4, ge=1, le=256)
    rate: Rate | None = None
    throttled: list[int] = [429, 503]
    throttled_codes: list[str] = []
    throttled_bare: list[int] = []
    wait: str = "retry-after"
    pause: float | None = Field(default=None, gt=0)
    left: str | None = None
    reset: str | None = None
    reset_in: Literal["s", "ms"] = "s"
    cost: Cost | None = None
    timeout: float = Field(default=60.0, gt=0, le=110)
    attempts: int = Field(default=6, ge=1)


class Errors(Fact):
    """Where an error body says what is wrong (paths; of several, the first that says anything).

    Attributes:
        inside: path of an error in an answer that calls itself good. It is one where anything but an empty list is.
        permanent: codes that stay wrong however often one asks, under a 5xx. transient: those that may come right.
        refused: codes that say that the credentials are wrong. forbidden: those that say that they have no right to
            what was asked for, whichever status they come under; to other records they may.
    """

    code: Several[str] = []
    message: Several[str] = []
    inside: str | None = None
    permanent: list[str] = []
    transient: list[str] = []
    refused: list[str] = []
    forbidden: list[str] = []
