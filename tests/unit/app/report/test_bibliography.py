"""References as BibTeX: read back by bibtexparser, and what the tools say is what is cited."""

from __future__ import annotations

import json

import bibtexparser
import pytest

from benchmate.app.report.bibliography import WORKS, bibliography
from benchmate.runtime.evidence import Evidence, Source, ToolResult
from benchmate.runtime.quantity import Quantity


def evidence(
    name: str, reference: str | None = None, method: str | None = None, **source: object
) -> Evidence:
    result = ToolResult(
        source=Source.model_validate({"kind": "computed", "name": name, "reference": reference} | source),
        quantities={"x": Quantity(value=1, property="x", method=method)},
        data={"passages": [{"source": "/home/ada/notes/rules.md"}]},
    )
    return Evidence(
        id="E-1", call_key="k", tool="a_tool", tool_version="1", arguments={}, result=result, task="t", attempt=1, seq=1, at=0,
    )  # fmt: skip


def entries(*given: Evidence) -> dict[str, dict[str, str]]:
    text = bibliography(given, {"benchmate": "0.1.0"})
    assert bibliography(given, {"benchmate": "0.1.0"}) == text
    read = bibtexparser.loads(text).entries
    return {entry["ID"]: entry for entry in read}


def test_every_known_work_is_a_whole_entry() -> None:
    works = json.loads(WORKS.read_text(encoding="utf-8"))
    assert len({w["key"] for w in works}) == len(works)
    assert len({w["doi"] for w in works if "doi" in w}) == sum("doi" in w for w in works)
    for work in works:
        found = entries(evidence(work["names"][0]))[work["key"]]
        needed = {
            "article": ("journal", "year", "volume", "pages"),
            "inproceedings": ("booktitle", "year"),
            "misc": ("url",),
        }
        assert all(found[field] for field in ("title", "author", *needed[work["kind"]])), work
        assert "doi" in found or "url" in found


def test_software_is_cited_with_its_version() -> None:
    found = entries(evidence("SymPy 1.14.0, NumPy 2.4.6", "JCGM 100:2008, JCGM 101:2008"))
    assert found["Meurer2017"]["note"] == "version 1.14.0"
    assert found["Harris2020"]["note"] == "version 2.4.6"
    assert found["JCGM1002008JCGM1012008"]["title"] == "JCGM 100:2008, JCGM 101:2008"


def test_methods_and_references_are_cited() -> None:
    found = entries(
        evidence("RDKit 2026.9.1", method="Wildman-Crippen, RDKit"),
        evidence(
            "closed formulas",
            "Peters 1964, doi:10.1103/PhysRev.136.B1224; Buonanno et al. 2009, arXiv:0902.0790",
        ),
        evidence("benchmate", method="mean hydropathy (Kyte and Doolittle 1982)"),
    )
    assert found["Wildman1999"]["doi"] == "10.1021/ci990307l"
    assert found["Peters1964"] == {
        "ENTRYTYPE": "misc", "ID": "Peters1964", "title": "Peters 1964", "year": "1964", "doi": "10.1103/PhysRev.136.B1224",
    }  # fmt: skip
    assert found["Buonannoetal2009"]["eprint"] == "0902.0790"
    assert found["meanhydropathyKyteandDoolittle1982"]["year"] == "1982"


@pytest.mark.parametrize(
    ("reference", "doi"),
    [
        ("Jacobsen et al. 1996, doi:10.1016/0039-6028(96)00816-3", "10.1016/0039-6028(96)00816-3"),
        ("see https://doi.org/10.1103/PhysRev.71.809.", "10.1103/PhysRev.71.809"),
        ("a table (doi:10.1351/pac199567081307)", "10.1351/pac199567081307"),
    ],
)
def test_a_doi_is_found_whole(reference: str, doi: str) -> None:
    assert doi in {e.get("doi") for e in entries(evidence("seqfold 0.9.0", reference)).values()}


def test_documents_of_the_library_are_cited_without_their_folder() -> None:
    found = entries(evidence("library 'notes'", "cosine similarity", kind="library"))
    assert found["rulesmd"]["title"] == "rules.md"
    assert "ada" not in str(found)


def test_each_work_is_listed_once_and_different_ones_have_different_keys() -> None:
    found = entries(
        evidence("RDKit 2026.9.1"), evidence("RDKit 2026.9.1"), evidence("tool a-b"), evidence("tool ab")
    )
    assert [k for k in found if k.startswith(("rdkit", "tool"))] == ["rdkit", "toolab", "toolaba"]


def test_signs_of_tex_do_no_harm() -> None:
    found = entries(evidence("a {b} & 50% of $x_1$ \\end", "x} @misc{evil, title={y}"))
    assert set(found) == {"benchmate", "ab50ofx1end", "xmisceviltitley"}
