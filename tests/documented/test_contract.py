"""The committed table of facts is the contract's.

Collected only where the contract is: in ``../shared`` beside the checkout or in the folder that
``SOCIALFRAME_SHARED`` names. The tests of the sandbox's document hold it against the table always.
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
    """Whether a name of the contract, which may be relative, is the field of a fact."""
    return f".{fact.field}".endswith(f".{name}")


def test_the_table_has_every_endpoint_of_the_contract_and_no_other():
    """Method and path, by section."""
    ours = {fact[:3] for fact in FACTS if fact.place == "operation"}

    assert ours == endpoints(TEXT)
    assert len(ours) == 10


@pytest.mark.parametrize("row", [row for row in TOLD if row[2] in {"D", "DX"}], ids=".".join)
def test_every_documented_field_is_in_the_table(row):
    """By the tables of section 5, with its mark."""
    section, name, mark = row
    assert any((fact.section, fact.mark) == (section, mark) and named(fact, name) for fact in FACTS)


def test_the_tables_of_the_contract_were_read():
    """All of them: a change of their form would leave nothing to compare."""
    assert len(TOLD) >= 50
    assert {row[0] for row in TOLD} == {f"5.{n}" for n in (1, 2, 4, 5, 6, 8, 10)}
    assert {row[2] for row in TOLD} == {"D", "DX", "N"}


@pytest.mark.parametrize("fact", FACTS, ids=lambda fact: " ".join(filter(None, fact[:5])))
def test_every_fact_of_the_table_is_in_the_contract(fact):
    """In its section, by name; and with this mark, wherever its name has one."""
    text = SECTIONS[fact.section]
    name = (fact.field or fact.path or fact.place.rpartition(" ")[2]).rpartition(".")[2]
    about = [part for part in text.split("\n\n") if f"`{name}" in part and part[0] != "|"]
    said = {*marks(" ".join(about))}
    said |= {row[2] for row in TOLD if row[0] == fact.section and named(fact, row[1])}

    assert name in text
    assert not said or fact.place == "operation" or fact.mark in said
