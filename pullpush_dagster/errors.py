"""Every error raised on purpose here. The second level says what the caller does about it."""


class PullPushError(Exception):
    """Something went wrong in a way pullpush_dagster knows about.

    * PullPushError
      x ConfigError      fix a file; nothing was sent
        + NoScopeError       the platform does not have what it is asked for one by one, such as a warehouse
      x NothingYetError  let something happen first; nothing was asked or changed
      x RetryError       wait and try the same thing again
        + RateLimitError     .retry_after seconds, when the platform said
        + UnavailableError   timeout, reset, 5xx; .retry_after seconds, when the platform said
        + DownError          not asked, since it gave no answer; .retry_after seconds until it is
      x RejectError      this record or request will never be accepted; carry on with the others
      x HaltError        stop; a person must look
        + AuthError          credentials refused
          x ForbiddenError     a 403: perhaps only this request
        + GuardError         a change set is implausibly large or destructive
        + UnconfirmedError   sent, and the platform's answer is unknown
        + StoreBusyError     another process kept the store for too long

    The message is the given one, or the class's first docstring line, with what it is about
    (``connection=``, ``entity=``, ``key=``, ...) appended; ``said`` is it without that. Payloads and
    secrets never go in.
    """

    def __init__(self, message: str = "", **where: object) -> None:
        self.where = {name: value for name, value in where.items() if value is not None}
        self.said = message or (self.__doc__ or "").strip().splitlines()[0]
        super().__init__(self._told())

    def add_where(self, **where: object) -> None:
        """Say more of what it is about; what it says of that already stays."""
        self.where = {**where, **self.where}
        self.args = (self._told(),)

    def _told(self) -> str:
        about = ", ".join(f"{name}={value}" for name, value in self.where.items())
        return f"{self.said} ({about})" if about else self.said


class ConfigError(PullPushError):
    """A file says something that cannot be."""


class NoScopeError(ConfigError):
    """The platform does not have exactly one such scope."""


class NothingYetError(PullPushError):
    """There is nothing to do this with yet."""


class RetryError(PullPushError):
    """The platform could not answer now; the same request may work later."""

    retry_after: float | None = None


class RateLimitError(RetryError):
    """The platform asked us to slow down."""

    def __init__(self, message: str = "", *, retry_after: float | None = None, **where: object) -> None:
        super().__init__(message, **where)
        self.retry_after = retry_after


class UnavailableError(RetryError):
    """The platform did not answer, or answered with a fault of its own.

    ``sent`` is False only when the request certainly never reached it. ``over``: it answered, so that nothing more
    will come of the request later on. ``busy``: it is to be left alone for a while, ``retry_after`` seconds if known.
    """

    def __init__(
        self,
        message: str = "",
        *,
        sent: bool = True,
        over: bool = False,
        busy: bool = False,
        retry_after: float | None = None,
        **where: object,
    ) -> None:
        super().__init__(message, **where)
        self.sent, self.over, self.busy, self.retry_after = sent, over, busy, retry_after


class DownError(RetryError):
    """The platform gave no answer for a while, and is not asked again before its time."""

    def __init__(self, message: str = "", *, retry_after: float | None = None, **where: object) -> None:
        super().__init__(message, **where)
        self.retry_after = retry_after


class RejectError(PullPushError):
    """The platform, or a check of ours, refuses this and would refuse it again."""

    def __init__(self, message: str = "", *, code: str | None = None, status: int | None = None, **where: object):
        super().__init__(message, **where)
        self.code = code
        self.status = status


class HaltError(PullPushError):
    """A person has to look before this can go on."""


class AuthError(HaltError):
    """The platform refused the credentials."""


class ForbiddenError(AuthError):
    """The platform refused a request by a 403: for its credentials, or for what is in it."""


class GuardError(HaltError):
    """A change set is implausibly large or destructive."""


class UnconfirmedError(HaltError):
    """A record was sent and the platform's answer is unknown."""


class StoreBusyError(HaltError):
    """Another process kept the store for too long."""
