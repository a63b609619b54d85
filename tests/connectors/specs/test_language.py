"""Query languages inside requests."""

import pytest

from tests.connectors.specs.language import conditions, statement, tokens


def test_the_names_of_a_select_are_found() -> None:
    found = statement(
        "SELECT Id, Account.Name, (SELECT Id FROM Lines) FROM Order WHERE Stamp >= 2026-01-01T00:00:00Z "
        "AND (Name LIKE 'a\\'b%' OR Kind NOT IN ('x', 'y')) ORDER BY Id ASC LIMIT 5",
        "escaped",
    )

    assert (found.fields, found.source, found.orders) == (["Id", "Account.Name"], "Order", ["Id"])
    assert [term.name for term in found.where.terms] == ["Stamp", "Name", "Kind"]
    assert found.wrong + found.where.wrong == []


def test_functions_of_a_filter_are_found_with_the_names_in_them() -> None:
    found = conditions(
        tokens("not substringof('it''s',Name) and (Stamp gt datetimeoffset'2026-01-01T00:00:00Z')", "doubled")
    )

    assert (found.functions, [term.name for term in found.terms], found.wrong) == (
        ["substringof"],
        ["Name", "Stamp"],
        [],
    )


@pytest.mark.parametrize(
    "text", ["a gt 1 and", "a 1", "a gt", "(a gt 1", "a gt 1)", "a gt 1 b gt 2", "1 gt a", "a gte 1", "a gt 'x' ' "]
)
def test_a_condition_that_cannot_be_read_is_wrong(text: str) -> None:
    assert conditions(tokens(text, "doubled")).wrong
