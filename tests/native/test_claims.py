"""The table of claims names rules that are there, and each module's operators whole."""

from __future__ import annotations

from celeris.providers import native
from celeris.providers.native import elementwise, reduce


def test_every_rule_is_there() -> None:
    for domain, rules in native.CLAIMS.items():
        for names in rules.values():
            assert all(native.rule_of(domain, name) is not None for name in names.split())


def test_operators_that_a_module_knows_are_in_the_table() -> None:
    rules = native.CLAIMS[""]
    assert set(rules["elementwise.claim_unary"].split()) == set(elementwise.UNARY)
    assert set(rules["elementwise.claim_binary"].split()) == set(elementwise.BINARY)
    assert set(rules["reduce.claim_reduction"].split()) == set(reduce.REDUCTIONS)


def test_an_operator_without_a_rule() -> None:
    assert native.rule_of("", "Einsum") is None
