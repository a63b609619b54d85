"""Named SQL: statements live in ``.sql`` files, each under a ``-- name:`` line."""

import re
from collections.abc import Callable, Mapping
from functools import cache
from importlib.resources import files

import duckdb

Run = Callable[..., duckdb.DuckDBPyConnection]
_PARAMETER = re.compile(r"\$([A-Za-z_]\w*)")
_NAME = re.compile(r"^-- name: (\w+)\n", re.MULTILINE)


@cache
def named_sql(package: str, file: str) -> dict[str, str]:
    """The statements of ``file`` in ``package``, by the name on the line above each.

    Raises:
        FileNotFoundError: no such file in the package.
    """
    parts = _NAME.split((files(package) / file).read_text(encoding="utf-8"))
    return dict(zip(parts[1::2], (body.strip() for body in parts[2::2]), strict=True))


def quoted(name: str) -> str:
    """``name`` as an SQL identifier, whatever characters it has."""
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    """``text`` as an SQL string literal."""
    return "'" + text.replace("'", "''") + "'"


def used(sql: str, values: Mapping[str, object]) -> dict[str, object]:
    """Those of ``values`` that ``sql`` names as ``$name``; DuckDB refuses the others."""
    return {name: values[name] for name in set(_PARAMETER.findall(sql)) & values.keys()}


def runner(
    con: duckdb.DuckDBPyConnection,
    statements: Mapping[str, str],
    names: Mapping[str, str],
    values: Mapping[str, object],
) -> Run:
    """What runs ``statements`` on ``con``: ``run(step, parts, **more)``, where ``parts`` and ``more`` may be left out.

    ``names``, and ``parts`` before them, stand for what a statement has in braces; of ``values`` and ``more`` it gets
    those that it uses.
    """

    def run(step: str, parts: Mapping[str, str] | None = None, /, **more: object) -> duckdb.DuckDBPyConnection:
        sql = statements[step].format_map({**names, **(parts or {})})
        return con.execute(sql, used(sql, {**values, **more}))

    return run
