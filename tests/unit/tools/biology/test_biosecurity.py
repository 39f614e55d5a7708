"""Biosecurity screen: what the lists say, names that mean something else, exact words on every frame, and what a screen cannot say.

The sequences are of ubiquitin and of no listed agent.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from benchmate.runtime.errors import BenchmateError
from benchmate.tools.base import ToolContext, ToolResult
from benchmate.tools.biology.biosecurity import screen_biosecurity
from benchmate.tools.biology.control_lists import lists_told, named_agents
from benchmate.tools.biology.dna import codon_table, reverse_complement

UBIQUITIN = "MQIFVKTLTGKTITLEVEPSDTIENVKAKIQDKEGIPPDQQRLIFAGKQLEDGRTLSDYNIQKESTLHLVLRLRGG"
SELECT, GROUP, PLANTS = (one["name"] for one in lists_told())
CODONS = {residue: codon for codon, residue in sorted(codon_table(1).codons.items())}
GENE = "".join(CODONS[residue] for residue in UBIQUITIN)


def run(folder: Path, **arguments: Any) -> ToolResult:
    context = ToolContext(cache_dir=folder / "c", artifact_dir=folder / "a", library_folder=folder / "l")
    return screen_biosecurity.run(screen_biosecurity.validate(arguments), context)


def written(folder: Path, name: str, text: str) -> str:
    (folder / name).write_text(text)
    return str(folder / name)


def references(folder: Path) -> str:
    return written(
        folder,
        "references.faa",
        f">ubiquitin\n{UBIQUITIN}\n>other\nMKWVTFISLLFLFSSAYSRGVFRRDAHKSEVAHRFKDLGEENF\n",
    )


def agents(text: str) -> list[str]:
    return [found.agent.name for found in named_agents(text)]


@pytest.mark.parametrize(
    ("text", "agent", "lists", "tier_1"),
    [
        ("Yersinia pestis", "Yersinia pestis", {SELECT, GROUP}, True),
        ("Y. pestis CO92, complete genome", "Yersinia pestis", {SELECT, GROUP}, True),
        ("ricin A chain", "Ricin", {SELECT, GROUP}, False),
        ("RICIN precursor, Ricinus communis", "Ricin", {SELECT, GROUP}, False),
        ("Zaire ebolavirus isolate", "Ebolavirus", {SELECT, GROUP}, True),
        ("Nipah henipavirus", "Nipah virus", {SELECT, GROUP}, True),  # tier 1 since 2025-01-16
        (
            "Brucella melitensis 16M",
            "Brucella melitensis",
            {GROUP},
            False,
        ),  # no select agent since 2025-01-16
        ("African horse sickness virus", "African horse sickness virus", {GROUP}, False),  # likewise
        ("Peronosclerospora philippinensis", "Peronosclerospora philippinensis", {PLANTS}, False),  # likewise
        ("African swine fever virus", "African swine fever virus", {SELECT, GROUP}, False),
        ("Xanthomonas oryzae pv. oryzae", "Xanthomonas oryzae", {SELECT, PLANTS}, False),
        ("Junín virus segment S", "Junin virus", {SELECT, GROUP}, False),
        ("SARS-CoV Urbani", "SARS coronavirus", {SELECT, GROUP}, False),
        ("botulinum neurotoxin type A light chain", "Botulinum neurotoxins", {SELECT, GROUP}, True),
        ("Shiga toxin 2 subunit A", "Shiga toxins", {GROUP}, False),
        ("Foot-and-mouth disease virus O", "Foot-and-mouth disease virus", {SELECT, GROUP}, True),
        ("Peste-des-petits-ruminants virus", "Peste des petits ruminants virus", {SELECT, GROUP}, False),
    ],
)
def test_names_on_the_lists(text: str, agent: str, lists: set[str], tier_1: bool) -> None:
    found = {one.agent.name: one.agent for one in named_agents(text)}
    assert {one.list_name for one in found[agent].listings} == lists
    assert any(one.tier_1 for one in found[agent].listings) == tier_1


@pytest.mark.parametrize(
    "text",
    [
        "Bacillus subtilis", "Escherichia coli K-12", "Yersinia enterocolitica", "Ricinus communis", "ricin B-like lectin", "ricin-type beta-trefoil",
        "Severe acute respiratory syndrome coronavirus 2", "SARS-CoV-2 spike", "Clostridium tetani", "fabricin", "price", "Brucella ovis",
        "Salmonella enterica serovar Typhimurium", "Vaccinia virus", "", "?", "influenza A virus H1N1", "Mycobacterium abscessus",
    ],
)  # fmt: skip
def test_what_is_on_no_list(text: str) -> None:
    assert agents(text) == []


def test_names_inside_other_names() -> None:
    assert agents("hog cholera virus") == ["Classical swine fever virus"]
    assert agents("cholera toxin subunit B") == ["Cholera toxin"]
    assert agents("Bacillus cereus biovar anthracis") == ["Bacillus cereus biovar anthracis"]
    assert agents("ricin and ricin B-like lectin") == ["Ricin"]  # one of the two is meant


def test_a_name_alone(tmp_path: Path) -> None:
    result = run(tmp_path, name="Yersinia pestis")
    assert result.data["outcome"] == "flagged" and result.quantities["agent_count"].value == 1
    assert any("tier 1" in w for w in result.warnings)
    assert result.source.reference is not None and "42 CFR 73.3" in result.source.reference


def test_a_slip_of_the_pen_is_pointed_out(tmp_path: Path) -> None:
    result = run(tmp_path, name="Yersinia pestus")
    assert result.data["outcome"] == "nothing matched"
    assert any("near it are listed: Yersinia pestis" in w for w in result.warnings)
    genus = run(tmp_path, name="Brucella")
    assert any("Brucella abortus, Brucella melitensis, Brucella suis" in w for w in genus.warnings)


@pytest.mark.parametrize(
    ("name", "agent"),
    [("ebola", "Ebolavirus"), ("Lassa", "Lassa virus"), ("rabies", "Lyssavirus"), ("SARS", "SARS coronavirus"), ("T2 toxin", "T-2 toxin")],
)  # fmt: skip
def test_everyday_names(tmp_path: Path, name: str, agent: str) -> None:
    assert [row["agent"] for row in run(tmp_path, name=name).data["agents"]] == [agent]
    assert agents(f"a study from {name}, in passing") == []  # only as the whole of what is asked


def test_nothing_found_is_no_clearance(tmp_path: Path) -> None:
    result = run(tmp_path, file="sample:cold-genes")
    assert result.data["outcome"] == "nothing matched" and result.quantities["agent_count"].value == 0
    assert not result.data["sequence_compared"]
    said = " ".join(result.warnings)
    assert "no clearance" in said and "were not compared" in said
    assert all(where in said for where in ("IBBIS", "SecureDNA", "NCBI"))


def test_the_header_of_a_sequence_is_read(tmp_path: Path) -> None:
    result = run(tmp_path, sequence=f">s1 abrin A chain, partial\n{GENE}\n")
    assert [row["agent"] for row in result.data["agents"]] == ["Abrin"]


def test_where_a_record_names_an_agent(tmp_path: Path) -> None:
    text = (
        "LOCUS       X1                        12 bp    DNA     linear   SYN 01-JAN-2026\nDEFINITION  a construct.\nACCESSION   X1\nVERSION     X1.1\n"
        "SOURCE      synthetic construct\n  ORGANISM  Bacillus anthracis\n            Bacteria; Bacillota; Bacilli.\n"
        'FEATURES             Location/Qualifiers\n     CDS             complement(1..9)\n                     /product="abrin A chain, partial"\n'
        "ORIGIN\n        1 ttacatcatc cg\n//\n"
    )
    result = run(tmp_path, file=written(tmp_path, "x.gb", text))
    rows = {row["agent"]: row for row in result.data["agents"]}
    assert rows["Bacillus anthracis"]["places"][0]["where"] == "organism"
    assert rows["Abrin"]["places"][0]["where"] == "product of CDS complement(1..9)"
    assert result.data["agents"][0]["agent"] == "Bacillus anthracis"  # tier 1 first


@pytest.mark.parametrize(
    ("letters", "strand", "frame", "start", "end"),
    [
        (GENE, "+", 1, 1, 228),
        ("A" + GENE, "+", 2, 2, 229),
        ("AC" + GENE + "G", "+", 3, 3, 230),
        (reverse_complement(GENE), "-", 1, 1, 228),
        (reverse_complement("A" + GENE), "-", 2, 1, 228),
        (
            reverse_complement("AC" + GENE) + "TTGCA",
            "-",
            2,
            1,
            228,
        ),  # 231 + 5 bases: the gene begins at base 8 of the other strand
    ],
)
def test_six_frames(tmp_path: Path, letters: str, strand: str, frame: int, start: int, end: int) -> None:
    result = run(tmp_path, sequence=letters, references=references(tmp_path))
    row = result.data["stretches"][0]
    assert (row["strand"], row["frame"], row["start"], row["end"]) == (strand, frame, start, end)
    assert (row["reference"], row["residues"], row["share_of_reference"]) == ("ubiquitin", 76, 1)
    assert result.quantities["reference_count"].value == 1 and result.data["outcome"] == "flagged"


def test_a_gene_across_the_origin_of_a_circle(tmp_path: Path) -> None:
    turned = GENE[90:] + "GGGCCCGGG" + GENE[:90]  # 237 bases, 79 codons: one frame all the way round
    linear = run(tmp_path, sequence=turned, references=references(tmp_path)).data["stretches"]
    circle = run(
        tmp_path, sequence={"sequence": turned, "topology": "circular"}, references=references(tmp_path)
    ).data["stretches"]
    assert [row["residues"] for row in linear] == [46, 30]
    joined = [row for row in circle if row["start"] > row["end"]]
    assert (
        joined and joined[0]["start"] == 148 and joined[0]["residues"] == 45
    )  # 30 and the 15 behind the origin


def test_proteins_and_rna(tmp_path: Path) -> None:
    protein = run(tmp_path, sequence="GSGS" + UBIQUITIN[10:50], references=references(tmp_path))
    row = protein.data["stretches"][0]
    assert (row["start"], row["end"], row["reference_start"], row["reference_end"]) == (5, 44, 11, 50)
    assert "strand" not in row
    rna = run(tmp_path, sequence=GENE.replace("T", "U"), references=references(tmp_path))
    assert rna.quantities["longest_shared_stretch"].value == 76


def test_the_window_is_exact(tmp_path: Path) -> None:
    changed = UBIQUITIN[:20] + "W" + UBIQUITIN[21:40]  # 20 and 19 residues on the sides of one change
    rows = run(tmp_path, sequence=changed, references=references(tmp_path)).data["stretches"]
    assert [row["residues"] for row in rows] == [20, 19]
    result = run(tmp_path, sequence=changed, references=references(tmp_path), window=21)
    assert result.data["outcome"] == "nothing matched" and result.quantities["reference_count"].value == 0


def test_runs_of_one_residue_say_nothing(tmp_path: Path) -> None:
    polyq = written(tmp_path, "q.faa", ">q\nM" + "Q" * 40 + "PEDL\n")
    assert (
        run(tmp_path, sequence="MK" + "Q" * 40 + "WWF", references=polyq).data["outcome"] == "nothing matched"
    )


@pytest.mark.parametrize(
    ("code", "arguments"),
    [
        ("nothing_to_screen", {}),
        ("nothing_to_screen", {"name": "  "}),
        ("no_sequence", {"name": "ricin", "references": ">a\nMKWVTFISLLFLFSSAYSRGV\n"}),
        ("not_protein", {"sequence": GENE, "references": ">a\nATGGCCATTGTAATGGGCCGC\n"}),
        ("empty_file", {"sequence": GENE, "references": ""}),
        ("bad_file", {"sequence": GENE, "references": "names\n"}),
        ("bad_arguments", {"sequence": GENE, "window": 3}),
        ("invalid_sequence", {"sequence": "ATG#"}),
        ("no_such_file", {"file": "/nowhere/x.gb"}),
    ],
)
def test_bad_input_is_refused(tmp_path: Path, code: str, arguments: dict[str, Any]) -> None:
    if "references" in arguments:
        arguments = arguments | {"references": written(tmp_path, "r.faa", arguments["references"])}
    with pytest.raises(BenchmateError) as caught:
        run(tmp_path, **arguments)
    assert caught.value.code == code


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.integers(0, 50), st.integers(16, 26), st.text("ACGT", max_size=40), st.booleans())
def test_a_hidden_piece_is_found_where_it_lies(
    tmp_path: Path, at: int, size: int, before: str, turned: bool
) -> None:
    piece = GENE[3 * at : 3 * (at + size)]
    letters = before + piece + "TAGC"
    start, end = len(before) + 1, len(before) + 3 * size
    if turned:
        letters = reverse_complement(letters)
        start, end = len(letters) - end + 1, len(letters) - start + 1
    rows = run(tmp_path, sequence=">s\n" + letters, references=references(tmp_path)).data["stretches"]
    assert any(row["start"] <= start and end <= row["end"] for row in rows)
