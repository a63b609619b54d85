"""A platform's own export of everything: its job, from the start to the files beside the spool."""

import asyncio
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pullpush_dagster.connectors.bulk_model import Bulk
from pullpush_dagster.connectors.template import at
from pullpush_dagster.errors import RejectError, RetryError
from pullpush_dagster.pull.paging import number_of
from pullpush_dagster.pull.spool import Spool
from pullpush_dagster.transport import Answer, Client


@dataclass(frozen=True)
class Export:
    """A job that is done, and all it gave.

    Attributes:
        job: its id there. started: the answer to the request that started it; what changed after that was asked for
            may be missing. count: how many lines or rows there must be at least; None: it does not say.
        files: in order; none: there are no records.
    """

    job: str
    started: Answer
    count: int | None
    files: list[Path]


async def export(
    client: Client, bulk: Bulk, values: Mapping[str, Any], spool: Spool, say: Callable[[str], None]
) -> Export:
    """A new job, waited for and fetched whole. One that an earlier process left there is not looked for.

    Args:
        values: of the placeholders. say: told of each poll.

    Raises:
        RetryError: it failed, or was not done in time; another one may do. RejectError: another one would not.
        PullPushError: as ``Client.ask`` and ``Client.download``.
    """
    return await _Job(client, bulk, values, spool, say).run()


class _Job:
    """One job under way."""

    def __init__(
        self, client: Client, bulk: Bulk, values: Mapping[str, Any], spool: Spool, say: Callable[[str], None]
    ) -> None:
        self.client, self.bulk, self.spool, self.say = client, bulk, spool, say
        self.values, self.state = dict(values), "not started"

    async def run(self) -> Export:
        # Who waits for a job that hangs would hang with it, and so would all that follow.
        try:
            async with asyncio.timeout(self.bulk.most):
                started = await self._start()
                told = await self._ended()
                files = await self._fetched(told)
        except TimeoutError:
            raise RetryError(f"no bulk export in {self.bulk.most:g} s; its job was {self.state}") from None
        said = at(told.body, self.bulk.count) if self.bulk.count else None
        count = None if said is None else number_of(said, self.bulk.count or "")
        return Export(str(self.values["job"]), started, count, files)

    async def _start(self) -> Answer:
        # Where its answer is lost it is started again; the first one is then nobody's, and ends by itself.
        answer = await self.client.ask(self.bulk.start, self.values)
        self._check(answer, failed=False)
        job = at(answer.body, self.bulk.id)
        if job is None or isinstance(job, dict | list):
            raise RejectError(f"the bulk export did not start: there is no {self.bulk.id}")
        self.values["job"] = job
        return answer

    async def _ended(self) -> Answer:
        """The answer of the poll that found the job done."""
        bulk = self.bulk
        while True:
            answer = await self.client.ask(bulk.poll, self.values)
            self.state = self.client.redacted(str(at(answer.body, bulk.state)))
            self._check(answer, failed=self.state not in (*bulk.running, *bulk.done))
            so_far = at(answer.body, bulk.count) if bulk.count else None
            counted = "" if so_far is None else f", {so_far} so far"
            self.say(f"{self.client.connection.connection}: bulk job is {self.state}{counted}")
            if self.state in bulk.done:
                return answer
            await asyncio.sleep(bulk.every)

    def _check(self, answer: Answer, *, failed: bool) -> None:
        """Raises RetryError, or RejectError, unless the job goes on and nothing is said against it."""
        found = {path: at(answer.body, path) for path in self.bulk.errors}
        wrong = {path: said for path, said in found.items() if said not in (None, "", [], {})}
        if not failed and not wrong:
            return
        words = [word for said in wrong.values() for word in _words(said)]
        # The address of a partial file is a key to it, and is none of what is wrong.
        about = "; ".join([*wrong, *(self.client.redacted(word)[:200] for word in words if "://" not in word)])
        text = f"the bulk export failed: its job is {self.state}" + (f" ({about})" if about else "")
        passes = not words or any(word in self.bulk.again for word in ("*", *words))
        raise RetryError(text) if passes else RejectError(text)

    async def _fetched(self, told: Answer) -> list[Path]:
        if self.bulk.results is not None:
            return await self._results()
        address = at(told.body, self.bulk.url or "")
        if address in (None, ""):
            return []
        file = self.spool.beside()
        self.say(f"{self.client.connection.connection}: bulk job is {self.state}, its file comes")
        await self.client.download(str(address), self.bulk.hosts, file, seconds=self.bulk.most)
        return [file]

    async def _results(self) -> list[Path]:
        files: list[Path] = []
        cursors: list[str] = []
        while True:
            cursor = cursors[-1] if cursors else None
            answer = await self.client.ask(self.bulk.results, {**self.values, "cursor": cursor}, json=False)  # type: ignore[arg-type]
            self._add(files, answer.content)
            self.say(f"{self.client.connection.connection}: bulk job is {self.state}, part {len(cursors) + 1} has come")
            following = answer.headers.get((self.bulk.next or "").removeprefix("header."), "")
            if following in ("", "null"):
                return files
            if following in cursors:
                raise RejectError("the platform gives the same part of the bulk export again and again")
            cursors.append(following)

    def _add(self, files: list[Path], part: bytes) -> None:
        """Rows begin anew in each part; lines go on, and a child may be in another part than its parent."""
        if not files or self.bulk.form == "csv":
            files.append(self.spool.beside())
        with files[-1].open("ab") as into:
            into.write(part + (b"\n" if self.bulk.form == "jsonl" else b""))


def _words(said: Any) -> Iterator[str]:
    """Every single value in what an answer says."""
    if isinstance(said, dict | list):
        for part in said.values() if isinstance(said, dict) else said:
            yield from _words(part)
    elif said is not None:
        yield str(said)
