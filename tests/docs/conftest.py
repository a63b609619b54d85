"""The pages of documentation, and what is written in them."""

import re
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "examples").rglob("*.md")])
_BLOCK = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
_SPAN = re.compile(r"`([^`\n]+)`")
_TABLE = re.compile(r"^<!-- (\w+): ([\w .]+) -->\n((?:\|.*\n)+)", re.MULTILINE)


@dataclass(frozen=True)
class Block:
    """One fenced block: the page it is on, its language and its text."""

    page: str
    language: str
    text: str

    def __str__(self) -> str:
        return f"{self.page}: {self.text.splitlines()[0]}"


@dataclass(frozen=True)
class Docs:
    """Every page by its path in the project."""

    pages: dict[str, str]

    def blocks(self, language: str) -> list[Block]:
        """Every fenced block in a language, in reading order."""
        found = [Block(page, *match.groups()) for page, text in self.pages.items() for match in _BLOCK.finditer(text)]
        return [block for block in found if block.language == language]

    def spans(self) -> list[str]:
        """Every `code span`, in reading order."""
        return [span for text in self.pages.values() for span in _SPAN.findall(_BLOCK.sub("", text))]

    def commands(self, program: str) -> list[str]:
        """What is written after ``program`` in any span, and at the start of any line of a shell block."""
        shell = [line for language in ("bash", "console") for block in self.blocks(language)
                 for line in block.text.splitlines()]  # fmt: skip
        lines = [line.removeprefix("$ ").split(" #")[0].strip() for line in [*shell, *self.spans()]]
        return [line.removeprefix(f"{program} ") for line in lines if line.startswith(f"{program} ")]

    def table(self, kind: str, name: str) -> list[list[str]]:
        """The cells of the table under the comment ``<!-- kind: name -->``, without its head."""
        (found,) = [body for _, is_, named, body in self.tables() if (is_, named) == (kind, name)]
        return found

    def tables(self) -> list[tuple[str, str, str, list[list[str]]]]:
        """(page, kind, name, rows) of every table that has such a comment."""
        return [
            (page, match[1], match[2], [_cells(line) for line in match[3].splitlines()[2:]])
            for page, text in self.pages.items()
            for match in _TABLE.finditer(text)
        ]


def _cells(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip("|").split(" | ")]


def read_docs() -> Docs:
    """All pages as they are now."""
    return Docs({str(page.relative_to(ROOT)): page.read_text(encoding="utf-8") for page in PAGES})


@pytest.fixture(scope="session")
def docs() -> Docs:
    return read_docs()
