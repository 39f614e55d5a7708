"""Looking up names, checking structures and drawing them."""

from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from benchmate.runtime.artifacts import ArtifactStore
from benchmate.runtime.errors import InvalidInput, NotFound
from benchmate.tools.base import ToolContext, ToolResult
from benchmate.tools.chemistry.structures import draw_structure, resolve_name, validate_structure


@pytest.fixture
def context(tmp_path: Path) -> ToolContext:
    return ToolContext(tmp_path, tmp_path, tmp_path)


def run(tool: Any, context: ToolContext, **arguments: Any) -> ToolResult:
    result: ToolResult = tool.run(tool.validate(arguments), context)
    return result


@pytest.mark.parametrize(
    "name", ["aspirin", "50-78-2", "BSYNRYMUTXBXSQ-UHFFFAOYSA-N", "acetylsalicylic acid"]
)
def test_a_name_has_one_candidate(context: ToolContext, name: str) -> None:
    result = run(resolve_name, context, name=name)
    (candidate,) = result.data["candidates"]
    assert candidate["inchikey"] == "BSYNRYMUTXBXSQ-UHFFFAOYSA-N"  # PubChem 2244
    assert candidate["formula"] == "C9H8O4"
    assert result.entities[0].argument == "name"
    assert not result.data["ambiguous"]


@pytest.mark.parametrize(("name", "count"), [("xylenol", 6), ("butanol", 4), ("C9H8O4", 10)])
def test_an_ambiguous_name_lists_candidates_and_chooses_none(
    context: ToolContext, name: str, count: int
) -> None:
    result = run(resolve_name, context, name=name)
    assert result.data["ambiguous"]
    assert result.quantities["candidate_count"].value == len(result.data["candidates"]) == count
    assert len({candidate["inchikey"] for candidate in result.data["candidates"]}) == count
    assert result.entities == ()


def test_an_unknown_name_is_an_error(context: ToolContext) -> None:
    with pytest.raises(NotFound, match="PubChem was not asked"):
        run(resolve_name, context, name="imatinib")


@pytest.mark.parametrize(
    ("structure", "problem"),
    [
        ("c1ccc(C(.", "syntax error"),
        ("C1CC1(C)(C)(C)", "explicit valence for atom # 2 C, 5"),
        ("InChI=1S/nonsense", "not a valid InChI"),
        ("", "empty"),
        ("aspirin", "resolve_name"),
        ("C C", "neither"),
        ("*", "wildcard"),
    ],
)
def test_a_wrong_structure_is_an_answer_with_the_reason(
    context: ToolContext, structure: str, problem: str
) -> None:
    data = run(validate_structure, context, structure=structure).data
    assert data["valid"] is False
    assert problem in data["problems"][0]


def test_all_valence_problems_are_listed(context: ToolContext) -> None:
    problems = run(validate_structure, context, structure="CN(C)(C)(C)C=O(C)C").data["problems"]
    assert len(problems) == 2
    assert "N, 5" in problems[0] and "O, 4" in problems[1]


@pytest.mark.parametrize(
    ("structure", "note"),
    [
        ("CC(O)C(N)C(=O)O", "2 stereo centres"),
        ("CCO.Cl", "2 fragments"),
        ("[13CH4]", "isotopes are marked: 13C"),
        ("[CH3]", "1 unpaired electrons"),
        ("CC(=O)[O-]", "net charge is -1"),
        ("C[Hg]C", "unusual: Hg"),
    ],
)
def test_a_valid_structure_comes_with_what_is_unusual(
    context: ToolContext, structure: str, note: str
) -> None:
    result = run(validate_structure, context, structure=structure)
    assert result.data["valid"] is True
    assert note in " ".join(result.warnings)


def test_a_valid_structure_is_echoed_in_canonical_form(context: ToolContext) -> None:
    for structure in ("OCC", "InChI=1S/C2H6O/c1-2-3/h3H,2H2,1H3"):
        data = run(validate_structure, context, structure=structure).data
        assert data["canonical_smiles"] == "CCO"
        assert data["inchikey"] == "LFQSCWFLJHTTHZ-UHFFFAOYSA-N"  # PubChem 702


def test_a_structure_too_large_to_check_is_no_verdict(context: ToolContext) -> None:
    with pytest.raises(InvalidInput) as caught:
        run(validate_structure, context, structure="C" * 3000)
    assert caught.value.code == "too_large"


def test_drawing_is_deterministic_svg(context: ToolContext) -> None:
    first = run(draw_structure, context, compound="aspirin")
    assert first == run(draw_structure, context, compound="aspirin")
    (artifact,) = first.artifacts
    assert (artifact.name, artifact.media_type) == ("aspirin.svg", "image/svg+xml")
    svg = ArtifactStore(context.artifact_dir).get(artifact.sha)
    root = ElementTree.fromstring(svg)
    bonds = {e.get("class") for e in root.iter() if (e.get("class") or "").startswith("bond-")}
    assert len({name.split()[0] for name in bonds if name}) == 13  # aspirin has 13 bonds between heavy atoms


def test_highlighting_changes_the_drawing_and_checks_the_atoms(context: ToolContext) -> None:
    plain = run(draw_structure, context, compound="CCO").artifacts[0].sha
    marked = run(draw_structure, context, compound="CCO", highlight=[2, 2])
    assert marked.artifacts[0].sha != plain
    assert marked.data["highlighted"] == [2]
    with pytest.raises(InvalidInput) as caught:
        run(draw_structure, context, compound="CCO", highlight=[3])
    assert caught.value.code == "no_such_atom"
    assert "0 to 2" in (caught.value.hint or "")
