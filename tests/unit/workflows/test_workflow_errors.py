"""What is wrong with a workflow is found before anything runs, at its line. `#!` marks the line in each example."""

import pytest

from benchmate.runtime.errors import InvalidInput
from benchmate.tools.base import Tool
from benchmate.workflows.loader import parse_workflow

AGENTS = ("chemist", "biologist", "analyst")

HEAD = """\
schema: benchmate.workflow/v1
name: example
inputs:
  compounds: {type: compounds, default: [aspirin]}
  reference: {type: compound, default: aspirin}
  limit: {type: number, default: 5}
"""

PROPERTIES = """\
steps:
  - id: props
    tool: compute_descriptors
    foreach: ${inputs.compounds}
    as: mol
    with: {compound: "${mol}"}
"""

ANALYST = f"""{HEAD}{PROPERTIES}
  - id: rank
    needs: [props]
    agent: analyst
    with:
      goal: Rank them.
"""

# name: (the file, the problem, the step, a word of the message, a word of the hint)
CASES: dict[str, tuple[str, str, str | None, str, str | None]] = {
    # --- keys and types
    "an unknown key at the top": (f"{HEAD}bugdet: {{usd: 1}} #!\n{PROPERTIES}", "unknown_key", None, "'bugdet'", "'budget'"),
    "an unknown key of a step": (f"{HEAD}{PROPERTIES}    fooreach: x #!\n", "unknown_key", "props", "'fooreach'", "'foreach'"),
    "an unknown key of an input": (
        HEAD + "  x:\n    type: number\n    maximun: 3 #!\n" + PROPERTIES, "unknown_key", None, "'maximun'", "'maximum'",
    ),
    "an unknown key of items": (
        HEAD + "  x:\n    type: array\n    items:\n      tipe: string #!\n      type: string\n" + PROPERTIES,
        "unknown_key", None, "'tipe'", "'type'",
    ),
    "an unknown key of the budget": (HEAD + "budget:\n  usd: 1\n  tool_calls: 3 #!\n" + PROPERTIES, "unknown_key", None, "'tool_calls'", "'calls'"),
    "an unknown key of retry": (f"{HEAD}{PROPERTIES}    retry:\n      on: [transient] #!\n", "unknown_key", "props", "'on'", "known: errors, max"),
    "an unknown key of a rule": (
        HEAD + "policy:\n  rules:\n    - decision: deny\n      efect: write #!\n" + PROPERTIES, "unknown_key", None, "'efect'", "'effect'",
    ),
    "an unknown key of a ranking": (f"{ANALYST}      rank:\n        bye: qed #!\n        by: qed\n", "unknown_key", "rank", "'bye'", "'by'"),
    "an unknown key of a flag": (
        f"{ANALYST}      flags:\n        - name: a\n          when: qed > 0\n          then: b #!\n", "unknown_key", "rank", "'then'", "'when'",
    ),
    "a missing key": (HEAD + "  x: {description: no type} #!\n" + PROPERTIES, "missing_key", None, "'type'", None),
    "a step without a name": (HEAD + "steps:\n  - tool: compute_descriptors #!\n    with: {compound: aspirin}\n", "missing_key", "#1", "'id'", None),
    "an analyst without a goal": (ANALYST.replace("    with:\n", "    with: #!\n").replace("goal: Rank them.", "rank: {by: qed}"), "missing_key", "rank", "'goal'", None),
    "another version": (HEAD.replace("v1", "v2 #!") + PROPERTIES, "bad_value", None, "schema", "'benchmate.workflow/v1'"),
    "a text for money": (HEAD + "budget: {usd: two dollars} #!\n" + PROPERTIES, "bad_value", None, "budget.usd", None),
    "a quoted number for seconds": (HEAD + "budget: {seconds: '900'} #!\n" + PROPERTIES, "bad_value", None, "budget.seconds", None),
    "a number for foreach": (f"{HEAD}{PROPERTIES.replace('${inputs.compounds}', '3 #!')}", "bad_value", "props", "foreach: input should be a valid string or a valid array, not 3", None),
    "a text for needs": (f"{HEAD}{PROPERTIES}    needs: props #!\n", "bad_value", "props", "needs", None),
    "too many in parallel": (f"{HEAD}{PROPERTIES}    max_parallel: 500 #!\n", "bad_value", "props", "64", None),
    "a word for on_error": (f"{HEAD}{PROPERTIES}    on_error: skip #!\n", "bad_value", "props", "on_error", "'skip_rest'"),
    "a capital in a step's name": (f"{HEAD}{PROPERTIES.replace('id: props', 'id: Props')}".replace("Props", "Props #!"), "bad_value", "Props", "id", None),
    "an order that is none": (f"{ANALYST}      rank: {{by: qed, order: downward}} #!\n", "bad_value", "rank", "order", None),
    "a type that is none": (HEAD + "  x: {type: float} #!\n" + PROPERTIES, "bad_value", None, "inputs.x.type", None),
    "an effect that is none": (HEAD + "policy: {rules: [{effect: wriet, decision: deny}]} #!\n" + PROPERTIES, "bad_value", None, "'write'", None),
    "no mapping": ("- a #!\n", "bad_value", None, "mapping", None),
    "an empty file": ("#!\n", "bad_value", None, "mapping", None),
    # --- actions
    "two actions": (f"{HEAD}steps:\n  - id: a #!\n    tool: compute_descriptors\n    agent: chemist\n", "two_actions", "a", "tool and agent", None),
    "no action": (f"{HEAD}steps:\n  - id: a #!\n    needs: []\n", "no_action", "a", "tool, agent, verify", None),
    "verify without its braces": (f"{HEAD}{PROPERTIES}  - id: check #!\n    needs: [props]\n    verify:\n", "no_action", "check", "verify: {}", None),
    "neither steps nor plan": (HEAD, "steps_or_plan", None, "either", None),
    "no steps at all": (f"{HEAD}steps: []\n", "steps_or_plan", None, "either", None),
    "steps and plan": (f"{HEAD}{PROPERTIES}plan: Why?\n", "steps_or_plan", None, "either", None),
    # --- steps, tools and agents
    "an unknown need": (f"{HEAD}{PROPERTIES}    needs: [porps2] #!\n  - id: props2\n    tool: compute_descriptors\n    with: {{compound: aspirin}}\n", "unknown_step", "props", "'porps2'", "'props2'"),
    "two steps of one name": (f"{HEAD}{PROPERTIES}  - id: props #!\n    tool: compute_descriptors\n    with: {{compound: aspirin}}\n", "duplicate_step", "props", "two steps", None),
    "a step that needs itself": (f"{HEAD}{PROPERTIES}    needs: [props] #!\n", "cyclic_needs", "props", "props → props", None),
    "steps that need each other": (
        f"{HEAD}{PROPERTIES}    needs: [c] #!\n"
        "  - {id: b, needs: [props], tool: compute_descriptors, with: {compound: aspirin}}\n"
        "  - {id: c, needs: [b], tool: compute_descriptors, with: {compound: aspirin}}\n",
        "cyclic_needs", "props", "props → c → b → props", None,
    ),
    "an unknown tool": (f"{HEAD}steps:\n  - id: a\n    tool: compute_descriptor #!\n    with: {{compound: aspirin}}\n", "unknown_tool", "a", "'compute_descriptor'", "'compute_descriptors'"),
    "an unknown agent": (f"{HEAD}steps:\n  - id: a\n    agent: chemists #!\n    with: {{goal: g}}\n", "unknown_agent", "a", "'chemists'", "'chemist'"),
    "a verify step that needs nothing": (f"{HEAD}{PROPERTIES}  - id: check #!\n    verify: {{}}\n", "nothing_needed", "check", "needs none", "needs: [props]"),
    "foreach of an agent": (f"{ANALYST}      rank: {{by: qed}}\n    foreach: [1] #!\n", "key_not_here", "rank", "'foreach' is for tool", None),
    "with of a verify step": (f"{HEAD}{PROPERTIES}  - id: check\n    needs: [props]\n    verify: {{}}\n    with: {{a: 1}} #!\n", "key_not_here", "check", "'with' is for", None),
    "as without foreach": (f"{HEAD}steps:\n  - id: a\n    tool: compute_descriptors\n    as: mol #!\n    with: {{compound: aspirin}}\n", "key_not_here", "a", "'as' goes with", None),
    # --- inputs
    "an unknown input": (f"{HEAD}{PROPERTIES}    when: inputs.limits > 3 #!\n", "unknown_input", "props", "'inputs.limits'", "'limit'"),
    "an unknown input in a title": (f"{HEAD}title: About ${{inputs.compound}} #!\n{PROPERTIES}", "unknown_input", None, "'inputs.compound'", "'compounds'"),
    "a constraint of another type": (HEAD + "  x: {type: string, minimum: 3} #!\n" + PROPERTIES, "constraint", None, "`minimum` is for number and integer", None),
    "required with a default": (HEAD + "  x: {type: string, default: a, required: true} #!\n" + PROPERTIES, "constraint", None, "never required", None),
    "a default of another type": (HEAD + "  x:\n    type: integer\n    default: many #!\n" + PROPERTIES, "bad_default", None, "a whole number", None),
    "a default outside its bounds": (HEAD + "  x:\n    type: integer\n    maximum: 3\n    default: 4 #!\n" + PROPERTIES, "bad_default", None, "more than 3", None),
    "a default that is no option": (HEAD + "  x:\n    type: string\n    enum: [linear, circular]\n    default: liner #!\n" + PROPERTIES, "bad_default", None, "not one of", "'linear'"),
    "a number among names": (HEAD + "  x:\n    type: compounds\n    default: [aspirin, 12] #!\n" + PROPERTIES, "bad_default", None, "x[1]", "quotes"),
    "a default file that is not there": (HEAD + "  x:\n    type: compounds\n    default: missing.sdf #!\n" + PROPERTIES, "bad_default", None, "missing.sdf", None),
    "bounds the wrong way round": (HEAD + "  x: {type: number, minimum: 3, maximum: 1} #!\n" + PROPERTIES, "bad_value", None, "at least 3", None),
    "a pattern that is none": (HEAD + "  x:\n    type: string\n    pattern: '(' #!\n" + PROPERTIES, "bad_value", None, "regular expression", None),
    # --- expressions
    "a call": (f"{HEAD}{PROPERTIES}    when: __import__('os').system('x') #!\n", "bad_expression", "props", "not allowed", "call nothing"),
    "a call in with": (f"{HEAD}steps:\n  - id: a\n    tool: compute_descriptors\n    with:\n      compound: ${{open('x')}} #!\n", "bad_expression", "a", "open", "call nothing"),
    "half an expression": (f"{HEAD}{PROPERTIES}    when: inputs.limit > #!\n", "bad_expression", "props", "cannot be read", None),
    "a slot without its end": (f"{HEAD}steps:\n  - id: a\n    tool: compute_descriptors\n    with: {{compound: '${{inputs.reference'}} #!\n", "bad_expression", "a", "without its '}'", None),
    "a slot in when": (f"{HEAD}{PROPERTIES}    when: ${{inputs.limit}} > 3 #!\n", "bad_expression", "props", "without ${}", None),
    "an unknown name": (f"{HEAD}{PROPERTIES}    when: moll.smiles != 'C' #!\n", "unknown_name", "props", "'moll.smiles'", "'mol'"),
    "an input without inputs": (f"{HEAD}{PROPERTIES}    when: limit > 3 #!\n", "unknown_name", "props", "'limit'", "'inputs.limit'"),
    "true of YAML in an expression": (f"{HEAD}{PROPERTIES}    when: inputs.limit == true #!\n", "unknown_name", "props", "'true'", "'True'"),
    "an unknown step": (f"{ANALYST}      rank: {{by: qed}}\n    when: steps.prop.items > 0 #!\n", "unknown_step", "rank", "'steps.prop.items'", "'props'"),
    "a step not in needs": (
        f"{HEAD}{PROPERTIES}  - id: b\n    tool: compute_descriptors\n    foreach: ${{steps.props.output}} #!\n    with: {{compound: '${{item.compound}}'}}\n",
        "not_needed", "b", "'props' is not in needs", "needs: [props]",
    ),
    "a part that steps lack": (f"{ANALYST}      rank: {{by: qed}}\n    when: steps.props.outputs != None #!\n", "unknown_name", "rank", "'steps.props.outputs'", "'output'"),
    "a record of a list": (f"{ANALYST}      rank: {{by: qed}}\n    when: steps.props.output.data != None #!\n", "unknown_name", "rank", "is a list", "foreach"),
    "a part that records lack": (
        f"{HEAD}{PROPERTIES}  - id: b\n    needs: [props]\n    tool: compute_descriptors\n    foreach: ${{steps.props.output}}\n    with: {{compound: '${{item.compuond}}'}} #!\n",
        "unknown_name", "b", "'item.compuond'", "'compound'",
    ),
    "a property that the tool does not measure": (
        f"{HEAD}{PROPERTIES}  - id: b\n    needs: [props]\n    tool: compute_descriptors\n    foreach: ${{steps.props.output}}\n"
        "    when: item.quantities.logq.value > 1 #!\n    with: {compound: '${item.compound}'}\n",
        "unknown_property", "b", "'logq'", "'logp'",
    ),
    "a part that quantities lack": (
        f"{HEAD}{PROPERTIES}  - id: b\n    needs: [props]\n    tool: compute_descriptors\n    foreach: ${{steps.props.output}}\n"
        "    when: item.quantities.logp.valeu > 1 #!\n    with: {compound: '${item.compound}'}\n",
        "unknown_name", "b", "valeu", "'value'",
    ),
    # --- foreach
    "an item that hides an input": (f"{HEAD}{PROPERTIES.replace('as: mol', 'as: limit #!')}".replace("${mol}", "${limit}"), "shadowing", "props", "an input, 'limit'", None),
    "an item that hides a step": (f"{HEAD}{PROPERTIES.replace('as: mol', 'as: props #!')}".replace("${mol}", "${props}"), "shadowing", "props", "a step, 'props'", None),
    "an item that hides inputs": (f"{HEAD}{PROPERTIES.replace('as: mol', 'as: inputs #!')}".replace('"${mol}"', "aspirin"), "shadowing", "props", "'inputs'", None),
    "foreach over a number": (f"{HEAD}{PROPERTIES.replace('inputs.compounds}', 'inputs.limit} #!')}", "not_a_list", "props", "type number", None),
    "foreach over a bare name": (f"{HEAD}{PROPERTIES.replace('${inputs.compounds}', 'inputs.compounds #!')}", "not_a_list", "props", "${…}", "${inputs.compounds}"),
    "foreach over one record": (
        f"{HEAD}steps:\n  - id: a\n    tool: compute_descriptors\n    with: {{compound: aspirin}}\n"
        "  - id: b\n    needs: [a]\n    tool: compute_descriptors\n    foreach: ${steps.a.output} #!\n    with: {compound: '${item.compound}'}\n",
        "not_a_list", "b", "one record", None,
    ),
    "the item in its own list": (f"{HEAD}{PROPERTIES.replace('inputs.compounds}', 'mol.all} #!')}", "unknown_name", "props", "'mol.all'", None),
    # --- arguments
    "an unknown argument": (f"{HEAD}steps:\n  - id: a\n    tool: compute_descriptors\n    with:\n      compund: aspirin #!\n      compound: aspirin\n", "unknown_argument", "a", "'compund'", "'compound'"),
    "a missing argument": (f"{HEAD}steps:\n  - id: a\n    tool: compare_similarity\n    with: {{query: aspirin}} #!\n", "missing_argument", "a", "'targets'", None),
    "no arguments at all": (f"{HEAD}steps:\n  - id: a #!\n    tool: compute_descriptors\n", "missing_argument", "a", "'compound'", None),
    "an argument of another type": (f"{HEAD}steps:\n  - id: a\n    tool: compare_similarity\n    with:\n      query: aspirin\n      targets: caffeine #!\n", "bad_argument", "a", "targets", None),
    "an argument that is no option": (f"{HEAD}steps:\n  - id: a\n    tool: compute_descriptors\n    with: {{compound: aspirin, form: salt}} #!\n", "bad_argument", "a", "'as_given' or 'parent'", None),
    "an argument that a default spoils": (f"{HEAD}steps:\n  - id: a\n    tool: compute_descriptors\n    with: {{compound: aspirin, form: '${{inputs.limit}}'}} #!\n", "bad_argument", "a", "form", None),
    "a claim that the tool cannot make": (f"{HEAD}{PROPERTIES}    claims: [logp, weight] #!\n", "unknown_property", "props", "'weight'", "'molecular_weight'"),
    "a ranking by what nothing measures": (f"{ANALYST}      rank: {{by: qde}} #!\n", "unknown_property", "rank", "'qde'", "'qed'"),
    "a ranking by a step not needed": (
        f"{ANALYST}      rank: {{by: alert_count}} #!\n  - id: alerts\n    tool: check_druglikeness\n    with: {{compound: aspirin}}\n",
        "unknown_property", "rank", "'alert_count'", "needs: [props, alerts]",
    ),
    "a flag on what nothing measures": (f"{ANALYST}      flags:\n        - {{name: a, when: logq > 5}} #!\n", "unknown_property", "rank", "'logq'", "'logp'"),
    "a flag on an input without its braces": (f"{ANALYST}      flags:\n        - {{name: a, when: logp > inputs.limit}} #!\n", "unknown_property", "rank", "put it in ${}", "${inputs.limit}"),
    "a flag that calls": (f"{ANALYST}      flags:\n        - {{name: a, when: max(logp) > 5}} #!\n", "bad_expression", "rank", "max", None),
    "a flag on nothing": (f"{ANALYST}      flags:\n        - {{name: a, when: 1 > 0}} #!\n", "unknown_property", "rank", "no property", None),
}  # fmt: skip


@pytest.mark.parametrize(("text", "problem", "step", "said", "hinted"), CASES.values(), ids=CASES.keys())
def test_every_fault_is_named_with_file_line_step_and_the_nearest_name(
    tools: dict[str, Tool], text: str, problem: str, step: str | None, said: str, hinted: str | None
) -> None:
    line = next((n for n, content in enumerate(text.splitlines(), 1) if "#!" in content), 1)
    with pytest.raises(InvalidInput) as caught:
        parse_workflow(text, "flows/example.yaml", tools=tools, agents=AGENTS)
    info = caught.value.info
    assert info.code == "bad_workflow"
    assert (info.details["problem"], info.details["line"], info.details["step"]) == (problem, line, step)
    where = f"flows/example.yaml:{line}: " + (f"step {step!r}: " if step else "")
    assert info.message.startswith(where)
    assert said in info.message
    assert "more problem" not in info.message, info.details["problems"]
    if hinted is not None:
        assert info.hint is not None and hinted in info.hint


def test_a_step_with_a_dash_has_no_name_in_expressions(tools: dict[str, Tool]) -> None:
    text = HEAD + PROPERTIES.replace("id: props", "id: my-props")
    parse_workflow(text, "w.yaml", tools=tools, agents=AGENTS)
    text += "  - id: b\n    needs: [my-props]\n    tool: compute_descriptors\n    with: {compound: '${steps.my-props.output}'}\n"
    with pytest.raises(InvalidInput, match="there is no 'props.output'"):
        parse_workflow(text, "w.yaml", tools=tools, agents=AGENTS)


def test_all_problems_are_listed_in_the_order_of_the_file(tools: dict[str, Tool]) -> None:
    text = f"{HEAD}{PROPERTIES}    claims: [weight]\n    when: limit > 3\n    needs: [nothing]\n"
    with pytest.raises(InvalidInput) as caught:
        parse_workflow(text, "w.yaml", tools=tools, agents=AGENTS)
    assert [problem.split(":")[1] for problem in caught.value.info.details["problems"]] == ["13", "14", "15"]
    assert "and 2 more problems" in caught.value.info.message


@pytest.mark.parametrize(
    "text", [f"{HEAD}{PROPERTIES}", f"{ANALYST}      rank: {{by: qed}}\n"], ids=["tool", "analyst"]
)
def test_the_examples_are_valid_without_their_faults(tools: dict[str, Tool], text: str) -> None:
    parse_workflow(text, tools=tools, agents=AGENTS)


def test_an_agent_may_measure_anything(tools: dict[str, Tool]) -> None:
    text = f"""{HEAD}steps:
  - {{id: ask, agent: chemist, with: {{goal: Describe them.}}}}
  - {{id: rank, agent: analyst, needs: [ask], with: {{goal: Rank them., rank: {{by: gravy}}}}}}
"""
    parse_workflow(text, tools=tools, agents=AGENTS)


def test_the_agents_are_those_that_there_are(tools: dict[str, Tool]) -> None:
    pytest.importorskip("benchmate.agents.specialists")
    with pytest.raises(InvalidInput, match="no agent 'astrologer'"):
        parse_workflow(f"{HEAD}steps:\n  - {{id: a, agent: astrologer, with: {{goal: g}}}}\n", tools=tools)
    parse_workflow(f"{HEAD}steps:\n  - {{id: a, agent: chemist, with: {{goal: g}}}}\n", tools=tools)
