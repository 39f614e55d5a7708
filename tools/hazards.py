"""The hazard gate: what a call is about, matched to stated lists, and what follows. It is code alone; no model is asked or can skip it.

`Tool.run` calls it after entities are resolved, and `tools/calls.py` before a call that makes something begins, so that a
person can be asked. The lists are those of `check_safety` and `screen_biosecurity`.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal, NamedTuple

from benchmate.runtime.errors import BenchmateError, Refused
from benchmate.runtime.evidence import HazardNotice, ToolResult
from benchmate.runtime.policy import HazardRule, Verdict
from benchmate.tools.biology.control_lists import list_told as agent_lists
from benchmate.tools.biology.control_lists import named_agents
from benchmate.tools.biology.sequences import Sequence as Letters
from benchmate.tools.chemistry.compounds import Compound, compound_by_name, resolve_compound
from benchmate.tools.chemistry.parsing import inchikey, looks_like_smiles, quiet_rdkit
from benchmate.tools.synthesis.safety import list_matches
from benchmate.tools.synthesis.safety import lists_told as compound_lists

if TYPE_CHECKING:
    from benchmate.tools.base import Tool

Part = Literal["target", "input"]  # what is made, or what goes into it

# What a match means where something is made, by the level of its list; what goes in is a step milder.
_MAKING: dict[str, Verdict] = {"refuse": "deny", "restricted": "ask", "caution": "allow"}
_INPUT: dict[str, Verdict] = {"refuse": "ask", "restricted": "allow", "caution": "allow"}
MOST_TEXT = 4000  # characters of a text argument that is read for structures
_ATOM_MAP = re.compile(r":\d+(?=\])")


class Finding(NamedTuple):
    """Something that a call is about and that stands on a list."""

    argument: str
    subject: str
    list: str
    entry: str
    match: str
    part: Part

    @property
    def key(self) -> str:
        """What a person's word is given for: this entry of this list."""
        return f"{self.list}: {self.entry}"


@functools.cache
def _lists() -> dict[str, dict[str, str]]:
    return {one["id"]: one for one in (*compound_lists(), *agent_lists())}


def list_ids() -> list[str]:
    """Return the ids of the lists, as a machine's policy names them."""
    return list(_lists())


def list_id(name: str) -> str | None:
    """Return the id of the list that is called `name`, by id or by full name, or None."""
    return next((i for i, one in _lists().items() if name in (i, one["name"])), None)


def lists_told() -> list[dict[str, str]]:
    """Return each list: id, name, source, as_of, level, limits."""
    return list(_lists().values())


def is_making(tool: Tool) -> bool:
    """Return whether a tool makes something, on paper or outside: plans, reactions, designs, and whatever writes or executes."""
    return tool.makes is not None or bool(tool.effects & {"write", "exec"})


def findings_in(tool: Tool, resolved: Mapping[str, Any]) -> list[Finding]:
    """Return what the resolved arguments of a call are about that stands on a list."""
    inputs = tool.makes.inputs if tool.makes else ()
    found: list[Finding] = []
    for name in tool.entity_arguments:
        part: Part = "input" if name in inputs else "target"
        value = resolved.get(name)
        for index, one in enumerate(value if isinstance(value, list) else [value]):
            where = f"{name}[{index}]" if isinstance(value, list) else name
            found += _of_entity(one, where, part)
    if is_making(tool):
        for name, value in resolved.items():
            if name not in tool.entity_arguments and name != "context":
                found += _in_text(value, name)
    return list(dict.fromkeys(found))


def findings_made(tool: Tool, result: ToolResult) -> list[Finding]:
    """Return what a result gives as made that stands on a list."""
    if tool.makes is None or tool.makes.products is None:
        return []
    made = dict.fromkeys(tool.makes.products(result.data))
    return [f for smiles in made for f in _of_smiles(smiles, smiles, "product", "target")]


def judge(
    tool: Tool, findings: Iterable[Finding], rules: Sequence[HazardRule] = (), approved: Collection[str] = ()
) -> list[HazardNotice]:
    """Return what the gate decides of each finding, and why: notices, questions and refusals."""
    making = is_making(tool)
    if tool.domain == "internal" and not making:  # parts of the graph: the tools that follow say it
        return []
    return [_judged(tool, one, making, rules, approved) for one in findings]


def enforce(notices: Iterable[HazardNotice]) -> tuple[HazardNotice, ...]:
    """Return the notices of a call that may go on. Raises Refused: `hazard_denied`, `hazard_unasked`, with the notices in details."""
    told = tuple(notices)
    if stopped := [n for n in told if n.verdict != "allow"]:
        raise refusal(stopped)
    return told


def refusal(stopped: Sequence[HazardNotice]) -> Refused:
    """Return the error of a call that the gate stops."""
    denied = [n for n in stopped if n.verdict == "deny"]
    first = (denied or list(stopped))[0]
    return Refused(
        "hazard_denied" if denied else "hazard_unasked",
        first.reason,
        hint=f"`check_safety` and `screen_biosecurity` tell the lists; the machine's policy decides for {first.list!r} under `hazards`"
        if denied
        else "a person is asked before such a call begins; a name that had to be looked up online comes too late for that: give the structure",
        details={"hazards": [n.model_dump(mode="json") for n in stopped]},
    )


def decision_for(
    name: str, use: Literal["making", "lookup"], part: Part, rules: Sequence[HazardRule]
) -> tuple[Verdict, HazardRule | None]:
    """Return what follows where something of a list is made or looked up, and the rule of the machine's policy that says so."""
    rule = next((r for r in rules if r.use == use and list_id(r.list) == name), None)
    if rule is not None:
        return rule.decision, rule
    level = _lists()[name]["level"]
    return ((_MAKING if part == "target" else _INPUT)[level] if use == "making" else "allow"), None


def _judged(
    tool: Tool, one: Finding, making: bool, rules: Sequence[HazardRule], approved: Collection[str]
) -> HazardNotice:
    told = _lists()[one.list]
    verdict, rule = decision_for(one.list, "making" if making else "lookup", one.part, rules)
    code = (
        "hazard_rule"
        if rule
        else {"allow": "hazard_notice", "ask": "hazard_ask", "deny": "hazard_denied"}[verdict]
    )
    if verdict == "ask" and one.key in approved:
        verdict, code = "allow", "hazard_approved"
    named = one.subject if one.entry.lower() in one.subject.lower() else f"{one.subject} ({one.entry})"
    what = f"{named} is on the list {told['name']}, as of {told['as_of']}"
    source = f"source: {told['source']}; matched: {one.match}; limits of the list: {told['limits']}"
    said = {
        ("deny", True): f"{tool.name} makes nothing towards a listed item: {what}",
        ("ask", True): f"{tool.name} would make or use a listed item, which a person has to allow: {what}",
        ("deny", False): f"the machine's policy does not allow {tool.name} for what is listed: {what}",
        ("ask", False): f"the machine's policy asks a person about {tool.name} for what is listed: {what}",
    }.get((verdict, making), f"listed: {what}")
    reason = "; ".join(filter(None, (said, source, rule.reason if rule else "")))
    return HazardNotice(
        summary=f"listed: {what}", argument=one.argument, subject=one.subject, list=one.list, list_name=told["name"], entry=one.entry, verdict=verdict, code=code, reason=reason,
    )  # fmt: skip


def _of_entity(value: Any, argument: str, part: Part) -> Iterator[Finding]:
    if isinstance(value, Compound):
        for name, entry, match in _compound_matches(value.smiles, value.inchikey, value.parent_inchikey):
            yield Finding(argument, value.label, name, entry, match, part)
    elif isinstance(value, Letters):
        for agent in named_agents(_said_of(value)):
            for listing in agent.agent.listings:
                yield Finding(
                    argument, value.label, listing.list_id, agent.agent.name, f"by the name {agent.phrase!r} in its header", part
                )  # fmt: skip


def _said_of(letters: Letters) -> str:
    """Return what stands around the letters of a sequence: its name, a FASTA header, a GenBank head."""
    text = letters.given.lstrip()
    if text.startswith(">"):
        head = text.splitlines()[0][1:]
    else:
        head = text.partition("\nORIGIN")[0] if text.startswith("LOCUS") else ""
    return f"{letters.name or ''} {head}".strip()


@functools.lru_cache(maxsize=8192)
def _compound_matches(smiles: str, key: str, parent: str) -> tuple[tuple[str, str, str], ...]:
    """Return (list id, entry, how it matched) of a structure: itself, its parent, its organic parts, listed families."""
    from rdkit import Chem

    with quiet_rdkit():
        mol: Any = Chem.MolFromSmiles(smiles)
        if mol is None:
            return ()
        keys = {key, parent}
        if "." in smiles:
            for fragment in Chem.GetMolFrags(mol, asMols=True):
                if any(atom.GetAtomicNum() == 6 for atom in fragment.GetAtoms()):
                    keys.add(inchikey(fragment))
        return tuple((m["id"], m["name"], m["match"]) for m in list_matches(mol, keys))


def _of_smiles(smiles: str, subject: str, argument: str, part: Part) -> Iterator[Finding]:
    from rdkit.Chem import MolFromSmiles, MolToSmiles

    plain = _ATOM_MAP.sub("", smiles)
    with quiet_rdkit():
        mol = MolFromSmiles(plain)
        if mol is None or not mol.GetNumAtoms():
            return
        canonical, key = MolToSmiles(mol), inchikey(mol)
    try:
        parent = resolve_compound({"smiles": canonical}).parent_inchikey
    except BenchmateError:  # larger than a compound may be: it is matched as it stands
        parent = key
    for name, entry, match in _compound_matches(canonical, key, parent):
        yield Finding(argument, subject, name, entry, match, part)


def _in_text(value: Any, argument: str) -> Iterator[Finding]:
    """Yield what texts among plain arguments are about: a SMILES, a reaction SMILES, the name of a compound, FASTA."""
    if isinstance(value, Mapping):
        for one in value.values():
            yield from _in_text(one, argument)
    elif isinstance(value, (list, tuple)):
        for one in value:
            yield from _in_text(one, argument)
    elif isinstance(value, str) and (text := value.strip()):
        if text.startswith(">"):
            for header in re.findall(r"(?m)^>(.*)$", text):
                for named in named_agents(header):
                    for one in named.agent.listings:
                        yield Finding(
                            argument, named.phrase, one.list_id, named.agent.name, "by its name", "target"
                        )
            return
        sides = text[:MOST_TEXT].split()[0].split(">")
        if len(sides) == 3:
            for index, side in enumerate(sides):
                for smiles in filter(None, side.split(".")):
                    yield from _of_smiles(smiles, smiles, argument, "target" if index == 2 else "input")
            return
        if len(text) <= MOST_TEXT and looks_like_smiles(text):
            yield from _of_smiles(text, text, argument, "target")
        if len(text) <= 200:
            try:
                yield from _of_entity(compound_by_name(text), argument, "target")
            except BenchmateError:
                return  # no name of a compound
