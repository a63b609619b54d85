"""Query languages inside a request (SOQL, QuickBooks' SQL, OData's filters): taken apart to check names."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

_TEXT = {"doubled": r"'(?:[^']|'')*'", "escaped": r"'(?:[^'\\]|\\.)*'"}
_TOKEN = (
    r"\s*(?:(?P<text>(?:datetimeoffset|datetime|guid|time)?{text})"
    r"|(?P<moment>\d{{4}}-\d\d-\d\d(?:T[\d:.]+(?:Z|[+-]\d\d:?\d\d)?)?)"
    r"|(?P<number>-?\d+(?:\.\d+)?[mMdDlLfF]?)(?!\w)"
    r"|(?P<name>[A-Za-z_$@][\w.]*(?:/[\w.$]+)*(?::\d+)?)"
    r"|(?P<sign><=|>=|!=|<>|[=<>(),*])|(?P<other>\S))"
)
_SIGNS = {"=", "!=", "<>", "<", ">", "<=", ">="}
_WORDS = {"eq", "ne", "gt", "ge", "lt", "le", "like", "in", "includes", "excludes"}


@dataclass(frozen=True)
class Token:
    """A word of a query: its kind (text, moment, number, name, sign, other) and how it is written."""

    kind: str
    written: str

    @property
    def word(self) -> str:
        return self.written.lower()


@dataclass(frozen=True)
class Term:
    """A condition on ``name``. literal: what it is compared with; None: nothing that can be told apart."""

    name: str
    literal: Token | None = None


@dataclass
class Conditions:
    """The terms of a condition, and what in it cannot be read."""

    terms: list[Term] = field(default_factory=list)
    functions: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)


def tokens(text: str, quotes: str) -> list[Token]:
    """The words of ``text``. quotes: whether a quote within quotes is ``doubled`` or ``escaped``."""
    pattern = re.compile(_TOKEN.format(text=_TEXT[quotes]))
    return [Token(str(found.lastgroup), found[str(found.lastgroup)]) for found in pattern.finditer(text)]


def conditions(words: list[Token]) -> Conditions:
    """``words`` as a condition: terms with ``and``, ``or``, ``not`` and brackets."""
    found, rest, depth = Conditions(), list(words), 0
    while rest:
        while rest and rest[0].word in ("(", "not"):
            depth += rest.pop(0).word == "("
        _term(rest, found)
        while rest and rest[0].word == ")":
            depth -= 1
            rest.pop(0)
        if rest and rest[0].word not in ("and", "or"):
            found.wrong.append(f"{rest[0].written!r} cannot stand where it does")
        joint = rest.pop(0) if rest else None
        if joint is not None and not rest:
            found.wrong.append(f"{joint.written!r} is followed by nothing")
    return found if depth == 0 else Conditions(found.terms, found.functions, [*found.wrong, "brackets do not match"])


def _term(rest: list[Token], found: Conditions) -> None:
    if not rest:
        found.wrong.append("ends where a condition is missing")
        return
    first = rest.pop(0)
    called = bool(rest) and rest[0].word == "(" and first.kind == "name"
    if called:
        found.functions.append(first.written)
        inner = _bracketed(rest)
        found.terms += [Term(one.written) for one in inner if one.kind == "name"]
    elif first.kind != "name":
        found.wrong.append(f"{first.written!r} is no name")
    operator = rest[0].word if rest else ""
    if operator == "not" and len(rest) > 1 and rest[1].word in _WORDS:
        rest.pop(0)
        operator = rest[0].word
    if operator in _SIGNS | _WORDS:
        rest.pop(0)
        literal = _operand(rest, found)
        found.terms += [] if called else [Term(first.written, literal)]
    elif not called:
        found.terms.append(Term(first.written))
        found.wrong.append(f"{first.written} is compared with nothing")


def _operand(rest: list[Token], found: Conditions) -> Token | None:
    if not rest:
        found.wrong.append("ends where a value is missing")
        return None
    if rest[0].word == "(":
        listed = [one for one in _bracketed(rest) if one.word != ","]
        return listed[0] if listed else None
    return rest.pop(0)


def _bracketed(rest: list[Token]) -> list[Token]:
    """What lies between the bracket that ``rest`` begins with and its partner; both are taken off."""
    depth, inner = 0, []
    while rest:
        one = rest.pop(0)
        depth += {"(": 1, ")": -1}.get(one.word, 0)
        if depth == 0:
            break
        inner.append(one)
    return inner[1:]


@dataclass(frozen=True)
class Statement:
    """A SELECT: names asked for, of what, conditions, names ordered by, and what in it cannot be read."""

    fields: list[str]
    source: str
    where: Conditions
    orders: list[str]
    wrong: list[str]


_CLAUSES = (
    "select",
    "from",
    "where",
    "order",
    "orderby",
    "group",
    "having",
    "limit",
    "offset",
    "startposition",
    "maxresults",
    "with",
    "for",
)


def statement(text: str, quotes: str) -> Statement:
    """``text`` as a SELECT of SOQL or QuickBooks."""
    clauses: dict[str, list[Token]] = {}
    wrong: list[str] = []
    name = ""
    for one in _flat(tokens(text, quotes)):
        # What follows FROM is a name, even where it is called Order.
        begins = one.kind == "name" and one.word in _CLAUSES and one.word not in clauses
        if begins and not (name == "from" and not clauses["from"]):
            name = one.word
            clauses[name] = []
        elif name:
            clauses[name].append(one)
        else:
            wrong.append(f"{one.written!r} stands before SELECT")
    source = clauses.get("from", [])
    wrong += [f"{one.written!r} cannot stand after FROM" for one in source[1:]]
    for count in ("limit", "offset", "startposition", "maxresults"):
        if count in clauses and [one.kind for one in clauses[count]] != ["number"]:
            wrong.append(f"{count.upper()} is not one number")
    ordered = [one for one in clauses.get("order", clauses.get("orderby", [])) if one.word not in _DIRECTIONS]
    orders = [one.written for one in ordered if one.kind == "name"]
    where = conditions(clauses["where"]) if "where" in clauses else Conditions()
    return Statement(list(_asked(clauses.get("select", []))), source[0].written if source else "", where, orders, wrong)


_DIRECTIONS = ("by", "asc", "desc", "nulls", "first", "last", ",")


def _flat(words: list[Token]) -> Iterator[Token]:
    """``words`` without the inner SELECTs of a SOQL field list."""
    rest = list(words)
    while rest:
        if rest[0].word == "(" and len(rest) > 1 and rest[1].word == "select":
            _bracketed(rest)
        else:
            yield rest.pop(0)


def _asked(words: list[Token]) -> Iterator[str]:
    for index, one in enumerate(words):
        called = index + 1 < len(words) and words[index + 1].word == "("
        if one.written == "*" or (one.kind == "name" and not called):
            yield one.written
