"""House figures: how long functions and files are, and homes without a name. Exits 1 over a limit."""

import ast
import statistics
import sys
from pathlib import Path

MEDIAN, P90, LONGEST, FILE, CONNECTOR = 10, 30, 60, 300, 60
ROOT = Path(__file__).parents[1]


def functions(file: Path) -> list[tuple[int, str]]:
    """(lines, place) of every function in ``file``."""
    found = []
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            lines = (node.end_lineno or node.lineno) - node.lineno + 1
            found.append((lines, f"{file.relative_to(ROOT)}:{node.lineno} {node.name}"))
    return found


def complaints() -> list[str]:
    """What is over a limit, one sentence each; the figures themselves are printed."""
    files = sorted((ROOT / "pullpush_dagster").rglob("*.py"))
    sizes = sorted(size for file in files for size in functions(file))
    lengths = [lines for lines, _ in sizes]
    median, p90 = statistics.median(lengths), lengths[int(len(lengths) * 0.9)]
    print(f"{len(files)} files, {len(lengths)} functions: median {median:.0f}, p90 {p90}, longest {lengths[-1]} lines")
    found = [f"median {median} > {MEDIAN}"] if median > MEDIAN else []
    found += [f"p90 {p90} > {P90}"] if p90 > P90 else []
    found += [f"{place}: {lines} lines > {LONGEST}" for lines, place in sizes if lines > LONGEST]
    for file in files:
        lines = file.read_text(encoding="utf-8").count("\n")
        found += [f"{file.relative_to(ROOT)}: {lines} lines > {FILE}"] if lines > FILE else []
    return found + [f"{f.relative_to(ROOT)}: no such home" for f in files if f.stem in ("utils", "helpers", "common")]


if __name__ == "__main__":
    wrong = complaints()
    print("\n".join(wrong))
    sys.exit(1 if wrong else 0)
