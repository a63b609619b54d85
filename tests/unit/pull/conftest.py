"""A table of records behind the tiny server, that changes while it is read."""

import pytest
from starlette.responses import JSONResponse

from pullpush_dagster.pull import raw


def raw_pages(store):
    """Every raw page there is, by pull and page."""
    pulls = sorted(int(file.stem) for file in store.raw.glob("*"))
    return [{"pull": pull, **page} for pull in pulls for page in raw.pages(store, pull).sort_by("page").to_pylist()]


class Table:
    """Records by id, given out in order of id: after one (``after``), by page (``page``) or by cursor (``cursor``),
    at most ``most`` at once.
    """

    def __init__(self):
        self.rows = {}
        self.meanwhile = {}
        self.asked = []
        self.most = 10_000
        self.date = "Sun, 01 Nov 2026 12:00:00 GMT"

    def add(self, *numbers, changed="2026-11-01T10:00:00"):
        """New records, or new stamps on old ones."""
        for number in numbers:
            self.rows[number] = {"id": number, "sku": f"S{number}", "title": "t", "changed": changed}

    def delete(self, *numbers):
        for number in numbers:
            del self.rows[number]

    def before(self, request, change):
        """Let ``change`` happen just before the so-many-th request, counted from 1, is answered."""
        self.meanwhile[request] = change

    def reply_to(self, seen):
        self.asked.append(seen.query)
        self.meanwhile.pop(len(self.asked), lambda: None)()
        query = seen.query
        since, until = query.get("since", ""), query.get("until", "9")
        rows = [row for _, row in sorted(self.rows.items()) if since <= str(row["changed"]) < until]
        size = min(self.most, int(query.get("size", 100)))
        start = 0
        if "after" in query:
            rows_left = [row for row in rows if row["id"] > int(query["after"])]
            start = len(rows) - len(rows_left)
        elif "page" in query:
            start = (int(query["page"]) - 1) * size
        elif "cursor" in query:
            start = int(query["cursor"])
        body = rows[start : start + size]
        headers = {"x-total": str(len(rows)), "date": self.date}
        if seen.path == "/next":
            following = start + size if start + size < len(rows) else None
            return JSONResponse({"data": body, "next": following}, headers=headers)
        return JSONResponse(body, headers=headers)


@pytest.fixture
def table(platform):
    made = Table()
    platform.route(made.reply_to)
    return made
