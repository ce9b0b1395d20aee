"""Compare the committed table of facts with the contract.

The contract is in ``../shared`` beside the checkout or in the folder of ``SOCIALFRAME_SHARED``;
without it, these tests are not collected. Tests of the sandbox compare it with the table.
"""

import pytest
from contract_facts import CONTRACT, FACTS, endpoints, marks, sections, told

TEXT = CONTRACT.read_text(encoding="utf-8")
SECTIONS = sections(TEXT)
TOLD = [
    row
    for section, text in SECTIONS.items()
    if section.startswith("5.")
    for row in told(section, text)
]


def named(fact, name):
    """Return whether a name of the contract, perhaps relative, is the field of a fact."""
    return f".{fact.field}".endswith(f".{name}")


def test_the_table_has_exactly_the_endpoints_of_the_contract():
    """Compared by section, method and path."""
    ours = {fact[:3] for fact in FACTS if fact.place == "operation"}

    assert ours == endpoints(TEXT)
    assert len(ours) == 10


@pytest.mark.parametrize("row", [row for row in TOLD if row[2] in {"D", "DX"}], ids=".".join)
def test_every_documented_field_is_in_the_table(row):
    """With the mark that the tables of section 5 give it."""
    section, name, mark = row
    assert any((fact.section, fact.mark) == (section, mark) and named(fact, name) for fact in FACTS)


def test_all_tables_of_the_contract_were_parsed():
    """Otherwise a change of their format would leave nothing to compare."""
    assert len(TOLD) >= 50
    assert {row[0] for row in TOLD} == {f"5.{n}" for n in (1, 2, 4, 5, 6, 8, 10)}
    assert {row[2] for row in TOLD} == {"D", "DX", "N"}


@pytest.mark.parametrize("fact", FACTS, ids=lambda fact: " ".join(filter(None, fact[:5])))
def test_every_fact_of_the_table_is_in_the_contract(fact):
    """In its section, by name, and with its mark if the contract gives one."""
    text = SECTIONS[fact.section]
    name = (fact.field or fact.path or fact.place.rpartition(" ")[2]).rpartition(".")[2]
    about = [part for part in text.split("\n\n") if f"`{name}" in part and part[0] != "|"]
    expected = {*marks(" ".join(about))}
    expected |= {row[2] for row in TOLD if row[0] == fact.section and named(fact, row[1])}

    assert name in text
    assert not expected or fact.place == "operation" or fact.mark in expected
