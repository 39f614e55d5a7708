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


RULES = st.builds(
    Rule,
    tool=st.sampled_from(["*", "save_*", ("save_file", "logp")]),
    domain=st.sampled_from(["*", "chem*"]),
    effect=st.sampled_from(["*", "write", ("write", "exec"), "network"]),
    label=st.sampled_from([None, "private", "untrusted"]),
    decision=st.sampled_from(["allow", "ask", "deny"]),
)
POLICIES = st.builds(
    Policy,
    rules=st.lists(RULES, max_size=4).map(tuple),
    mode_network=st.just(True),
    allow_tools=st.sampled_from([None, ("save_*",), ()]),
)


@given(POLICIES, POLICIES, st.sampled_from(["save_file", "logp"]), st.sets(st.sampled_from(EFFECTS)), LABELS)
def test_a_workflow_is_never_less_strict_than_the_machine_nor_than_its_own_rules(
    machine, workflow, tool, effects, labels
):
    call = (tool, "chemistry", effects, labels)
    merged = STRICTNESS.index(workflow.under(machine).decide(*call).verdict)
    above, own = machine.decide(*call), workflow.decide(*call)
    assert merged >= STRICTNESS.index(above.verdict)
    if own.code != "tool_not_allowed" and own.rule is None:
        own = above  # a default of the workflow's does not count: the machine has its own
    assert merged <= max(STRICTNESS.index(above.verdict), STRICTNESS.index(own.verdict))
    if own.rule is not None or own.code == "tool_not_allowed":
        assert merged >= STRICTNESS.index(own.verdict)


def test_a_workflow_without_rules_changes_nothing():
    machine = Policy((Rule(effect="write", decision="allow"),))
    assert Policy().under(machine).decide("save", "x", ["write"]).verdict == "allow"
    assert (
        Policy((Rule(tool="other", decision="deny"),)).under(machine).decide("save", "x", ["write"]).verdict
        == "allow"
    )


def test_what_decided_is_told():
    machine = Policy((Rule(effect="write", decision="deny", reason="read only"),))
    workflow = Policy(
        (Rule(tool="logp", decision="ask", reason="look"), Rule(effect="write", decision="allow"))
    )
    both = workflow.under(machine)
    assert both.decide("save", "chemistry", ["write"]).reason == "read only"
    asked = both.decide("logp", "chemistry", ["compute"])
    assert (asked.by, asked.reason, asked.rule) == ("workflow", "look", workflow.rules[0])
    assert both.decide("save", "chemistry", ["write"]).by == "machine"


def test_a_rule_may_name_several_tools_and_effects():
    rule = Rule.model_validate({"tool": ["save_*", "post"], "effect": ["write", "exec"], "decision": "deny"})
    policy = Policy((rule,), mode_network=True)
    assert policy.decide("post", "x", ["exec"]).verdict == "deny"
    assert policy.decide("post", "x", ["network"]).verdict == "allow"
    assert policy.decide("send", "x", ["exec"]).verdict == "ask"
    with pytest.raises(InvalidInput, match="did you mean 'write'"):
        Policy.load({"rules": [{"effect": ["exec", "wrote"], "decision": "deny"}]}, mode_network=True)


def test_only_the_machine_speaks_of_hazards():
    lax = {"hazards": [{"list": "explosives", "decision": "allow"}]}
    assert Policy.load(lax, mode_network=True).under(Policy()).hazard_rules == ()
    assert Policy().under(Policy.load(lax, mode_network=True)).hazard_rules[0].list == "explosives"
