"""The adapter to AiZynthFinder, against a command that writes what its documentation says; the program itself is not run here."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from benchmate.runtime.errors import BenchmateError, Crashed
from benchmate.runtime.settings import AizynthfinderProfile, load_settings
from benchmate.tools.base import ToolContext, ToolResult
from benchmate.tools.synthesis import aizynthfinder
from benchmate.tools.synthesis.aizynthfinder import read_trees
from benchmate.tools.synthesis.plan import plan_retrosynthesis

PARACETAMOL = "CC(=O)Nc1ccc(O)cc1"


def molecule(smiles: str, *made_of: Any, in_stock: bool = True, **metadata: Any) -> dict[str, Any]:
    """A node of a molecule, with the reaction that makes it where it is made."""
    node = {
        "type": "mol",
        "hide": False,
        "smiles": smiles,
        "is_chemical": True,
        "in_stock": in_stock and not made_of,
    }
    if made_of:
        reactants = ".".join(child["smiles"] for child in made_of)
        node["children"] = [
            {"type": "reaction", "hide": False, "smiles": f"{smiles}>>{reactants}", "is_reaction": True, "metadata": metadata, "children": list(made_of)}
        ]  # fmt: skip
    return node


TWO_STEPS = molecule(
    PARACETAMOL,
    molecule("Nc1ccc(O)cc1", molecule("O=[N+]([O-])c1ccc(O)cc1"), policy_probability=0.31, classification="9.1 reduction"),
    molecule("CC(=O)OC(C)=O"),
    policy_probability=0.62, template="[C:1]>>[C:1]", policy_name="uspto", library_occurence=321,
) | {"scores": {"state score": 0.994}}  # fmt: skip
UNSOLVED = molecule(PARACETAMOL, molecule("Nc1ccc(O)cc1"), molecule("CC(=O)Cl", in_stock=False))
ONE_STEP = molecule(PARACETAMOL, molecule("Nc1ccc(O)cc1"), molecule("CC(=O)Cl"))

CLI = """#!{python}
import json, os, sys
told = dict(zip(sys.argv[1::2], sys.argv[2::2]))
assert set(told) == {{"--smiles", "--config", "--output"}} and os.path.isabs(told["--config"]), told
assert not os.listdir("."), "a SMILES that is a file's name is read as a file"
assert "PYTHONPATH" not in os.environ
{body}
"""


class Place:
    """An environment of AiZynthFinder with a command of our own making."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.cli, self.config = folder, folder / "aizynthcli", folder / "config.yml"
        self.config.write_text("expansion: {}\n")
        self.profile = AizynthfinderProfile(cli=self.cli, config=self.config)

    def writes(self, content: Any, body: str = "") -> Place:
        text = content if isinstance(content, str) else json.dumps(content)
        self.does(f"open(told['--output'], 'w').write({text!r})\n{body}")
        return self

    def does(self, body: str) -> Place:
        self.cli.write_text(CLI.format(python=sys.executable, body=body))
        self.cli.chmod(0o755)
        return self

    def plan(self, target: str = "paracetamol", **more: Any) -> ToolResult:
        arguments = plan_retrosynthesis.validate({"target": target, "engine": "aizynthfinder", **more})
        context = ToolContext(
            self.folder / "cache", self.folder / "made", self.folder / "library", aizynthfinder=self.profile
        )
        result = plan_retrosynthesis.run(arguments, context)
        json.dumps(result.data, allow_nan=False)
        return result

    def refusal(self, **more: Any) -> BenchmateError:
        with pytest.raises(BenchmateError) as caught:
            self.plan(**more)
        return caught.value


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    monkeypatch.setenv("PYTHONPATH", "/nowhere")
    return Place(tmp_path)


def test_routes_are_recorded_like_our_own(place: Place) -> None:
    result = place.writes([TWO_STEPS, UNSOLVED, ONE_STEP]).plan()
    assert result.quantities["route_count"].value == 2 and result.quantities["step_count_1"].value == 2
    first = result.data["routes"][0]
    assert [step["product"] for step in first["steps"]] == [
        "Nc1ccc(O)cc1",
        PARACETAMOL,
    ]  # in the order of the synthesis
    assert [step["step"] for step in first["steps"]] == [1, 2]
    assert first["steps"][1]["reactants"] == ["CC(=O)OC(C)=O", "Nc1ccc(O)cc1"]
    assert first["steps"][1]["policy_probability"] == 0.62 and first["steps"][0]["class"] == "9.1 reduction"
    assert first["steps"][1]["named_reaction"] == "acylation of an amine with an anhydride"
    assert first["scores"] == {"state score": 0.994}
    assert {m["smiles"] for m in first["starting_materials"]} == {"O=[N+]([O-])c1ccc(O)cc1", "CC(=O)OC(C)=O"}
    assert first["in_stock"] and not first["missing"]
    assert result.data["best_route"].endswith(f"→ {PARACETAMOL}")
    assert len(result.artifacts) == 2 and result.source is not None and result.source.name == "AiZynthFinder"
    assert any("regulated" in w for w in result.warnings)  # acetic anhydride: INCB, Table I
    assert not any(name.startswith(("score", "route_cost")) for name in result.quantities)
    own = {
        "steps",
        "step_count",
        "summary",
        "starting_materials",
        "in_stock",
        "missing",
        "cost",
        "precedent_found",
    }
    assert own <= first.keys()


def test_no_more_routes_than_asked(place: Place) -> None:
    assert place.writes([TWO_STEPS, ONE_STEP]).plan(count=1).quantities["route_count"].value == 1


def test_where_no_route_is_solved_the_best_is_partial(place: Place) -> None:
    result = place.writes([UNSOLVED]).plan()
    assert not result.data["solved"] and result.quantities["route_count"].value == 0
    assert result.data["partial_route"]["missing"] == ["CC(=O)Cl"]
    assert any("no route" in w and "what it lacks" in w for w in result.warnings)


@pytest.mark.parametrize("trees", [[], [molecule(PARACETAMOL)], [molecule(PARACETAMOL, in_stock=False)]])
def test_no_route_at_all_is_said(place: Place, trees: list[Any]) -> None:
    result = place.writes(trees).plan()
    assert result.data["partial_route"] is None and not result.artifacts
    assert any("could not be taken apart" in w for w in result.warnings)


def test_it_is_told_how_to_set_it_up(place: Place, tmp_path: Path) -> None:
    place.profile = AizynthfinderProfile()
    error = place.refusal()
    assert (error.code, error.kind) == ("aizynthfinder_not_set", "unavailable")
    assert "download_public_data" in str(error) and "benchmate.toml" in str(error)
    place.profile = AizynthfinderProfile(cli=tmp_path / "gone", config=place.config)
    assert place.refusal().code == "aizynthfinder_missing"


def test_a_command_that_cannot_be_run_is_typed(place: Place) -> None:
    place.does("").cli.chmod(0o644)
    assert place.refusal().code == "aizynthfinder_missing"


def test_an_exit_status_is_an_error_with_its_last_words(place: Place) -> None:
    error = place.does("sys.exit('KeyError: no stock named zinc')").refusal()
    assert (error.code, error.kind) == ("aizynthfinder_failed", "crashed")
    assert "exit status 1" in str(error) and "no stock named zinc" in str(error)


def test_too_long_a_search_is_stopped(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(aizynthfinder, "SECONDS", 1)
    error = place.does("import time; time.sleep(60)").refusal()
    assert error.code == "aizynthfinder_failed" and "time_limit" in str(error)


@pytest.mark.parametrize(
    "content",
    [
        "", "no JSON", "{}", "[3]", '[{"smiles": "C1CC"}]', [molecule("CCO", molecule("CC"))],  # ethanol is another target
        [{"smiles": PARACETAMOL, "children": [{"children": [{"type": "mol"}]}]}], [{"smiles": PARACETAMOL, "children": [{}, {}]}],
        [molecule(PARACETAMOL, molecule("C1CC"))], [TWO_STEPS | {"scores": [1]}],
    ],
)  # fmt: skip
def test_output_that_is_not_as_documented_is_typed(place: Place, content: Any) -> None:
    assert place.writes(content).refusal().code == "aizynthfinder_output"


def test_no_file_of_routes_is_typed(place: Place) -> None:
    assert place.does("").refusal().code == "aizynthfinder_output"


def test_an_endless_route_is_typed() -> None:
    node = molecule("C")
    for _ in range(70):
        node = molecule("C", node)
    with pytest.raises(Crashed, match="endless"):
        read_trees(json.dumps([node]), "C")


@pytest.mark.parametrize(
    "more", [{"max_depth": 3}, {"max_time": 60}, {"max_expansions": 10}, {"stock": "sample:iris"}]
)
def test_what_its_configuration_sets_is_not_taken_here(place: Place, more: dict[str, Any]) -> None:
    error = place.writes([ONE_STEP]).refusal(**more)
    assert error.code == "set_in_its_config" and next(iter(more)) in str(error)


def test_listed_targets_are_refused_before_it_is_asked(place: Place) -> None:
    error = place.does("raise SystemExit('asked')").refusal(target="CCOP(C)(=O)SCCN(C(C)C)C(C)C")
    assert error.code == "hazard_denied"


def test_the_settings_name_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "benchmate.toml").write_text(
        "[aizynthfinder]\ncli = '/opt/a/bin/aizynthcli'\nconfig = '/opt/a/config.yml'\n"
    )
    found = load_settings().aizynthfinder
    assert found.cli == Path("/opt/a/bin/aizynthcli") and found.config == Path("/opt/a/config.yml")
