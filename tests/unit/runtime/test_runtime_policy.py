"""Policy: rules in order, then defaults that keep private data in and unasked effects out."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmate.runtime.errors import InvalidInput
from benchmate.runtime.policy import EFFECTS, Policy, Rule

LABELS = st.frozensets(st.sampled_from(["private", "untrusted"]))
STRICTNESS = ["allow", "ask", "deny"]


@pytest.mark.parametrize(
    ("effects", "labels", "network", "verdict", "code"),
    [
        (["read"], [], False, "allow", "allowed"),
        (["compute"], ["private", "untrusted"], False, "allow", "allowed"),
        ([], [], False, "allow", "allowed"),
        (["network"], [], True, "allow", "allowed"),
        (["network"], [], False, "deny", "no_network"),
        (["network"], ["private"], True, "deny", "private_data"),
        (["network"], ["untrusted"], True, "allow", "allowed"),
        (["write"], [], True, "ask", "needs_approval"),
        (["exec"], [], True, "ask", "needs_approval"),
        (["write"], ["untrusted"], True, "ask", "untrusted_arguments"),
        (["compute", "network", "write"], ["private"], True, "deny", "private_data"),
        (["teleport"], [], True, "ask", "unknown_effect"),
    ],
)
def test_defaults(effects, labels, network, verdict, code):
    decision = Policy(mode_network=network).decide("tool", "chemistry", effects, frozenset(labels))
    assert (decision.verdict, decision.code, decision.rule) == (verdict, code, None)
    assert decision.reason


def test_the_first_matching_rule_decides():
    rules = (
        Rule(tool="save_*", domain="chem*", decision="allow", reason="my folder"),
        Rule(effect="write", decision="deny", reason="read only"),
        Rule(decision="ask"),
    )
    policy = Policy(rules, mode_network=True)
    saved = policy.decide("save_file", "chemistry", ["write"])
    assert (saved.verdict, saved.reason, saved.rule) == ("allow", "my folder", rules[0])
    assert policy.decide("save_file", "biology", ["write"]).reason == "read only"
    assert policy.decide("logp", "biology", ["compute"]).verdict == "ask"


def test_private_data_leaves_only_by_name():
    blanket = Policy((Rule(effect="network", decision="allow"),), mode_network=True)
    named = Policy((Rule(tool="my_server", label="private", decision="allow"),), mode_network=True)
    private = frozenset({"private"})
    assert blanket.decide("pubchem", "chemistry", ["network"], private).code == "private_data"
    assert named.decide("my_server", "chemistry", ["network"], private).verdict == "allow"
    assert named.decide("pubchem", "chemistry", ["network"], private).verdict == "deny"


def test_permission_to_write_is_not_permission_to_write_what_a_page_says():
    policy = Policy((Rule(effect="write", decision="allow"),))
    assert policy.decide("save", "any", ["write"]).verdict == "allow"
    assert policy.decide("save", "any", ["write"], frozenset({"untrusted"})).code == "untrusted_arguments"


def test_no_list_and_an_empty_list_are_different():
    assert Policy(allow_tools=None).decide("logp", "chemistry", ["compute"]).verdict == "allow"
    nothing = Policy(allow_tools=()).decide("logp", "chemistry", ["compute"])
    assert (nothing.verdict, nothing.code) == ("deny", "tool_not_allowed")
    some = Policy(allow_tools=("log*",))
    assert some.decide("logp", "chemistry", ["compute"]).verdict == "allow"
    assert some.decide("dock", "chemistry", ["compute"]).code == "tool_not_allowed"


@given(st.lists(st.sampled_from(EFFECTS), min_size=1), LABELS, st.booleans())
def test_a_call_is_as_strict_as_its_strictest_effect(effects, labels, network):
    policy = Policy((Rule(effect="w*", label="private", decision="deny"),), mode_network=network)
    whole = policy.decide("t", "d", effects, labels)
    single = [policy.decide("t", "d", [effect], labels).verdict for effect in effects]
    assert whole.verdict == max(single, key=STRICTNESS.index)


@given(st.lists(st.sampled_from(EFFECTS)), LABELS, LABELS, st.booleans())
def test_more_labels_never_loosen_the_defaults(effects, labels, more, network):
    policy = Policy(mode_network=network)
    before = policy.decide("t", "d", effects, labels).verdict
    after = policy.decide("t", "d", effects, labels | more).verdict
    assert STRICTNESS.index(after) >= STRICTNESS.index(before)


def test_a_policy_is_read_from_a_file():
    policy = Policy.load(
        {"rules": [{"tool": "save_*", "decision": "allow", "reason": "ok"}], "allow_tools": ["save_*"]},
        mode_network=True,
    )
    assert policy == Policy((Rule(tool="save_*", decision="allow", reason="ok"),), True, ("save_*",))
    assert Policy.load({}, mode_network=False) == Policy()


@pytest.mark.parametrize(
    ("data", "hint"),
    [
        ({"ruls": []}, "rules"),
        ({"rules": [{"tol": "x", "decision": "ask"}]}, "tool"),
        ({"rules": [{"decision": "maybe"}]}, None),
        ({"rules": [{"effect": "netwrok", "decision": "ask"}]}, None),
        ({"rules": [{"tool": "x"}]}, None),
        ({"rules": "x"}, None),
        ({"allow_tools": "logp"}, None),
    ],
)
def test_a_wrong_policy_is_refused(data, hint):
    with pytest.raises(InvalidInput) as caught:
        Policy.load(data, mode_network=True)
    assert caught.value.code == "bad_policy"
    if hint:
        assert hint in (caught.value.hint or "")
