"""Runs that a person ends in the web UI: Dagster raises in the main thread, out of a signal's handler."""

import asyncio
import signal
import threading
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

_Given = TypeVar("_Given")
# Less than the minute after which Dagster calls a run canceled that has not ended; a request mostly takes seconds.
_GRACE_SECONDS = 20.0


def ended_in_order(work: Coroutine[Any, Any, _Given]) -> _Given:
    """What ``work`` gives, as ``asyncio.run``; but where a signal is to end it, it can end what is under way.

    ``work`` is called off, and what it waits for only if that takes too long. What the signal's handler raises, right
    in the midst of anything, would be lost there, or end all tasks at once.

    Raises:
        BaseException: as ``work``, or the handler.
    """
    with asyncio.Runner() as runner:
        loop = runner.get_loop()
        task = loop.create_task(work)

        def rest() -> None:
            for one in asyncio.all_tasks(loop) - {task}:
                one.cancel()

        def stop() -> None:
            task.cancel()
            loop.call_later(_GRACE_SECONDS, rest)

        with _put_off(lambda: loop.call_soon_threadsafe(stop)):
            return loop.run_until_complete(task)


@contextmanager
def _put_off(stop: Callable[[], object]) -> Iterator[None]:
    """Calls ``stop`` when a signal comes, and the signal's own handler at the end. Only the main thread has any."""
    came: list[int] = []

    def note(number: int, _: object) -> None:
        came.append(number)
        stop()

    main = threading.current_thread() is threading.main_thread()
    found = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM) if main}
    own = {number: handler for number, handler in found.items() if callable(handler)}
    for number in own:
        signal.signal(number, note)
    try:
        yield
    finally:
        for number, handler in own.items():
            signal.signal(number, handler)
        if came:
            signal.raise_signal(came[0])
