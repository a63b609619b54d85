"""Small files that every process speaking to one connection opens, and locks that die with their holder."""

import fcntl
import mmap
import os
import tempfile
from io import FileIO
from pathlib import Path


class Files:
    """The files of one connection in ``folder``; None: files that nobody else can open."""

    def __init__(self, folder: Path | None) -> None:
        self._folder, self._open = folder, list[FileIO | Shared]()
        if folder is not None:
            folder.mkdir(parents=True, exist_ok=True)

    def open(self, name: str) -> FileIO:
        """The file as a holder of its own, whose locks are held apart from all others, of this process too."""
        if self._folder is None:
            file = tempfile.TemporaryFile(buffering=0)  # noqa: SIM115
        else:
            # Made if it is not there, and never cut: another process may have it open.
            (self._folder / name).touch()
            file = FileIO(self._folder / name, "r+")
        self._open.append(file)
        return file

    def shared(self, name: str, size: int) -> "Shared":
        """The first ``size`` bytes of the file; zeros where nothing was written."""
        shared = Shared(self.open(name), size)
        self._open.append(shared)
        return shared

    def close(self) -> None:
        """Close all of them, which gives back every lock."""
        while self._open:
            self._open.pop().close()


class Shared:
    """A few bytes that all processes have in memory, so that to read them takes no call of the system.

    They are written to the file: a full disk is an error there, and the end of the process in memory.

    Attributes:
        file: to be locked by who writes, where that may be several at a time.
    """

    def __init__(self, file: FileIO, size: int) -> None:
        self.file = file
        if os.fstat(file.fileno()).st_size < size:
            os.ftruncate(file.fileno(), size)
        self._bytes = mmap.mmap(file.fileno(), size, access=mmap.ACCESS_READ)

    def read(self) -> bytes:
        """All of them; those that are being written just now may be half old, half new."""
        return self._bytes[:]

    def write(self, content: bytes) -> None:
        """Put ``content`` in their place."""
        os.pwrite(self.file.fileno(), content, 0)

    def close(self) -> None:
        """Forget them; the file stays open."""
        self._bytes.close()


def locked(file: FileIO) -> bool:
    """Whether the lock is ours now; it stays so until ``unlock``, or until the kernel sees this process die."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def unlock(file: FileIO) -> None:
    """Let another one have it. A closed file has none left: its number may belong to another file by now."""
    if not file.closed:
        fcntl.flock(file, fcntl.LOCK_UN)
