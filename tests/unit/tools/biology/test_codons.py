"""Recoding: Kazusa's numbers, Biopython's index and an exhaustive search as independent methods, traps, bad input."""

from __future__ import annotations

import itertools
import math
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from Bio.Seq import Seq
from Bio.SeqUtils import CodonAdaptationIndex
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmate.runtime.errors import BenchmateError
from benchmate.tools.base import ToolContext, ToolResult
from benchmate.tools.biology.codon_search import Choice, Limits, search
from benchmate.tools.biology.codon_usage import HOSTS, find_host, usage_of
from benchmate.tools.biology.codons import optimize_codons
from benchmate.tools.biology.sequences import AMINO_ACIDS
from benchmate.tools.files import keep_file

CONTEXT = ToolContext(cache_dir=Path(), artifact_dir=Path(), library_folder=Path())
GFP = (
    "MSKGEELFTGVVPILVELDGDVNGHKFSVSGEGEGDATYGKLTLKFICTTGKLPVPWPTLVTTFSYGVQCFSRYPDHMKQHDFFKSAMPEGYVQERTIFFKDDGNYKTRAEVKFEGD"
    "TLVNRIELKGIDFKEDGNILGHKLEYNYNSHNVYIMADKQKNGIKVNFKIRHNIEDGSVQLADHYQQNTPIGDGPVLLPDNHYLSTQSALSKDPNEKRDHMVLLEFVTAAGITHGMDELYK"
)


def run(**arguments: Any) -> ToolResult:
    return optimize_codons.run(optimize_codons.validate(arguments), CONTEXT)


def dna_of(sequence: str, host: str = "E. coli", **arguments: Any) -> str:
    text: str = run(sequence=sequence, host=host, **arguments).data["dna"]
    return text


def value(result: ToolResult, name: str) -> float:
    found = result.quantities[name].value
    assert isinstance(found, int | float)
    return found


def error(**arguments: Any) -> BenchmateError:
    with pytest.raises(BenchmateError) as caught:
        run(**arguments)
    return caught.value


def test_shares_are_those_of_kazusa() -> None:
    # www.kazusa.or.jp/codon, species 316407 and 9606: CTG is the Leu codon of both, AGG is rare in E. coli
    e_coli, human = usage_of(find_host("E. coli")).shares, usage_of(find_host("human")).shares
    assert (
        max(e_coli["L"], key=e_coli["L"].__getitem__) == "CTG" == max(human["L"], key=human["L"].__getitem__)
    )
    assert e_coli["R"]["AGG"] < 0.05 and human["R"]["AGG"] == pytest.approx(0.21, abs=0.01)
    assert human["L"]["CTG"] == pytest.approx(0.40, abs=0.01)
    assert human["K"]["AAG"] == pytest.approx(0.57, abs=0.01)


@pytest.mark.parametrize("host", HOSTS, ids=lambda host: host.table)
def test_every_table_is_whole_and_in_the_standard_code(host: Any) -> None:
    shares = usage_of(host).shares
    assert sum(len(codons) for codons in shares.values()) == 64
    for residue, codons in shares.items():
        assert {str(Seq(codon).translate()) for codon in codons} == {residue}
        assert sum(codons.values()) == pytest.approx(1, abs=0.031)


def test_most_frequent_codons_have_an_index_of_one() -> None:
    result = run(sequence="MKTAYIAKQRQISFVKSHFSRQ", host="E. coli", longest_run=20)
    shares = usage_of(find_host("E. coli")).shares
    expected = "".join(max(shares[r], key=shares[r].__getitem__) for r in "MKTAYIAKQRQISFVKSHFSRQ*")
    assert result.data["dna"] == expected
    assert value(result, "codon_adaptation_index") == pytest.approx(1)
    assert value(result, "rare_codon_count") == 0


@pytest.mark.parametrize("host", ["E. coli", "S. cerevisiae", "human"])
def test_the_index_agrees_with_biopython(host: str) -> None:
    shares = usage_of(find_host(host)).shares
    genome = "".join(
        codon * round(100 * share) for codons in shares.values() for codon, share in codons.items()
    )
    index = CodonAdaptationIndex([Seq(genome)])
    result = run(sequence=GFP, host=host, method="match_usage")
    gene = result.data["dna"][:-3]
    without = "".join(c for c in (gene[i : i + 3] for i in range(0, len(gene), 3)) if c not in ("ATG", "TGG"))
    assert value(result, "codon_adaptation_index") == pytest.approx(index.calculate(without), abs=1e-6)


def test_recoding_a_gene_of_rare_codons() -> None:
    # AGG, AGA, CTA and ATA are the classic rare codons of E. coli (Kane 1995, doi:10.1016/0958-1669(95)80082-4)
    result = run(sequence="ATGAAGAGGAGGCTAATAAGATAA", host="E. coli")
    assert result.data["protein"] == "MKRRLIR"
    assert value(result, "given_codon_adaptation_index") < 0.15 < value(result, "codon_adaptation_index")
    assert value(result, "changed_codon_count") == 6
    assert any("stop codon" in warning for warning in result.warnings)


def test_a_site_across_codons_is_kept_out_on_both_strands() -> None:
    protein = "MEFGIPRSEFKLGDPETRLSRA"
    sites = {
        "EcoRI": "GAATTC", "BamHI": "GGATCC", "BsaI": "GGTCTC", "BsmBI": "CGTCTC", "HindIII": "AAGCTT",
        "XhoI": "CTCGAG", "PstI": "CTGCAG", "SapI": "GCTCTTC", "NdeI": "CATATG", "NcoI": "CCATGG",
    }  # fmt: skip
    clean = dna_of(protein, avoid_enzymes=list(sites))
    for site in sites.values():
        assert site not in clean and str(Seq(site).reverse_complement()) not in clean
    # GAA AAC, the codons used most, spell GAAAAC across their boundary; GTTTTC is the same motif on the other strand
    assert "GAAAAC" in dna_of("ENSL", kind="protein")
    assert "GAAAAC" not in dna_of("ENSL", kind="protein", avoid_motifs=["GTTTTC"])


def test_runs_are_limited() -> None:
    dna = dna_of("MKKKKKKKKKKE", longest_run=4)
    assert max(len(list(group)) for _, group in itertools.groupby(dna)) <= 4


def test_gc_of_every_window_stays_within_limits() -> None:
    free = run(sequence=GFP, host="human")
    held = run(sequence=GFP, host="human", gc_minimum=40, gc_maximum=58, gc_window=60)
    dna = held.data["dna"]
    windows = [dna[i : i + 60] for i in range(len(dna) - 59)]
    assert all(0.4 <= (w.count("G") + w.count("C")) / 60 <= 0.58 for w in windows)
    assert value(held, "codon_adaptation_index") < value(free, "codon_adaptation_index") == pytest.approx(1)


def test_match_usage_follows_the_host_and_its_seed() -> None:
    protein = "M" + "LRSKA" * 390
    first, again, other = (
        dna_of(protein, "yeast", method="match_usage", longest_run=20, seed=seed) for seed in (1, 1, 2)
    )
    assert first == again != other
    shares = usage_of(find_host("yeast")).shares
    used = Counter(first[i : i + 3] for i in range(0, len(first), 3))
    for codon, share in shares["L"].items():  # 390 draws: three standard deviations of the binomial
        assert abs(used[codon] / 390 - share) <= 3 * math.sqrt(share * (1 - share) / 390)


def test_codons_below_the_lowest_share_are_not_used() -> None:
    result = run(sequence=GFP, host="E. coli", method="match_usage", lowest_share=0.1)
    assert value(result, "rare_codon_count") == 0


@pytest.mark.parametrize(("stop", "end"), [("TGA", "TGA"), ("TAG", "TAG"), ("host", "TAA")])
def test_stops(stop: str, end: str) -> None:
    assert dna_of("MKLVR", stop=stop).endswith(end)
    assert len(dna_of("MKLVR", stop="none")) == 15
    assert dna_of("MKLVR", "human").endswith("TGA")  # 47 % of human genes


def test_a_mitochondrial_gene_is_read_by_its_code_and_written_in_the_standard_one() -> None:
    result = run(sequence="ATGATATGAAGCCTA", host="human", genetic_code=2)
    assert result.data["protein"] == "MMWSL"
    assert result.data["dna"].startswith("ATGATGTGG")
    assert error(sequence="ATGATATGAAGCCTA", host="human").code == "internal_stop"


@pytest.mark.parametrize("longest_run", [3, 6])
@pytest.mark.parametrize("residues", ["LRSGAL", "PGKKKF", "GPPGRK"])
def test_the_search_finds_the_best_of_all_sequences(residues: str, longest_run: int) -> None:
    usage = usage_of(find_host("E. coli"))
    places = [[Choice(c, math.log(usage.adaptiveness(r, c))) for c in usage.shares[r]] for r in residues]
    limits = Limits({"one": "CTGC", "two": "GCNGC", "three": "CGTA"}, longest_run, None, 50)
    best = max(
        (sum(choice.score for choice in row), "".join(choice.codon for choice in row))
        for row in itertools.product(*places)
        if not limits.broken("".join(choice.codon for choice in row))
    )
    found = search(places, limits)
    assert found.exhaustive
    pairs = [found.dna[i : i + 3] for i in range(0, len(found.dna), 3)]
    score = sum(math.log(usage.adaptiveness(r, c)) for r, c in zip(residues, pairs, strict=True))
    assert score == pytest.approx(best[0])


@settings(max_examples=30, deadline=None)
@given(
    st.text(AMINO_ACIDS, min_size=1, max_size=40),
    st.sampled_from(["E. coli", "yeast", "human", "9031"]),
    st.sampled_from(["most_frequent", "match_usage"]),
)
def test_the_protein_comes_back(protein: str, host: str, method: str) -> None:
    dna = dna_of("MF" + protein, host, method=method, avoid_enzymes=["BsaI", "EcoRI"], kind="protein")
    assert str(Seq(dna).translate(to_stop=True)) == "MF" + protein
    assert not any(site in dna for site in ("GGTCTC", "GAGACC", "GAATTC"))


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ({"sequence": "MKL", "host": "CHO"}, "unknown_host"),
        ({"sequence": "MKL", "host": "Sf9"}, "unknown_host"),
        ({"sequence": "MKL", "host": "S. cerevisae"}, "unknown_host"),
        ({"sequence": "MKL", "host": ""}, "unknown_host"),
        ({"sequence": "  ", "host": "human"}, "empty_sequence"),
        ({"sequence": "MKULI", "host": "human"}, "unencodable_residues"),
        ({"sequence": "MKOLI", "host": "human"}, "unencodable_residues"),
        ({"sequence": "MKXLI", "host": "human"}, "unencodable_residues"),
        ({"sequence": "MKL*IE", "host": "human"}, "internal_stop"),
        ({"sequence": "GATTACA", "host": "human"}, "ambiguous_sequence"),
        ({"sequence": "ATGGCCATTGTAATGG", "host": "human"}, "bad_frame"),
        ({"sequence": "ATGGCCNTTGTAATG", "host": "human"}, "ambiguous_bases"),
        ({"sequence": "ATGTAAGCCATTGTA", "host": "human"}, "internal_stop"),
        ({"sequence": "ATGGCCATTGTAATG", "host": "human", "genetic_code": 8}, "unknown_genetic_code"),
        ({"sequence": "MKLI", "host": "human", "avoid_enzymes": ["EcoRl"]}, "unknown_enzyme"),
        ({"sequence": "MKLI", "host": "human", "avoid_motifs": ["GGJTC"]}, "bad_motif"),
        ({"sequence": "MKLI", "host": "human", "avoid_motifs": ["NNNN"]}, "bad_motif"),
        ({"sequence": "MKLI", "host": "human", "gc_minimum": 60, "gc_maximum": 40}, "bad_range"),
        ({"sequence": "MWWI", "host": "human", "avoid_motifs": ["TGGTGG"]}, "no_solution"),
        ({"sequence": "MPPPPPPPPPPPPPPPPPPPP", "host": "human", "gc_maximum": 50}, "no_solution"),
        ({"sequence": "MF" + "A" * 3000, "host": "human"}, "too_large"),
        ({"sequence": "MFL", "host": "human", "lowest_share": float("nan")}, "bad_arguments"),
    ],
)  # fmt: skip
def test_bad_input_is_named(arguments: dict[str, Any], code: str) -> None:
    assert error(**arguments).code == code


@pytest.mark.parametrize("name", [9606, "9606", "Homo sapiens", "H. sapiens", "human", "HEK293"])
def test_a_host_has_many_names(name: str | int) -> None:
    assert run(sequence="MKL", host=name, kind="protein").data["host"]["taxid"] == 9606
    assert run(sequence="MKL", host="E. coli BL21(DE3)", kind="protein").data["host"]["taxid"] == 316407


def test_errors_name_the_nearest() -> None:
    assert "mouse" in (error(sequence="MKL", host="CHO").hint or "")
    assert "S. cerevisiae" in (error(sequence="MKL", host="S. cerevisae").hint or "")
    found = error(sequence="MWWI", host="human", avoid_motifs=["TGGTGG"])
    assert found.info.details == {"residue": 3, "against": ["TGGTGG"]}


def test_a_chain_without_met_and_one_without_choice_are_told() -> None:
    assert any("not Met" in warning for warning in run(sequence="KLVIE", host="human").warnings)
    result = run(sequence="MWMW", host="human", kind="protein")
    assert "codon_adaptation_index" not in result.quantities


def _kazusa_text(counts: dict[str, int]) -> str:
    rows = [f"{codon.replace('T', 'U')} {count / 100:4.1f}({count:6d})" for codon, count in counts.items()]
    return "\n".join("  ".join(rows[i : i + 4]) for i in range(0, 64, 4))


@pytest.mark.parametrize("form", ["kazusa", "csv", "fractions"])
def test_a_table_of_ones_own(tmp_path: Path, form: str) -> None:
    code = {"".join(c): str(Seq("".join(c)).translate()) for c in itertools.product("TCAG", repeat=3)}
    counts = {
        codon: 100 + 7 * i for i, codon in enumerate(code)
    }  # the last codon of each amino acid is used most
    totals = Counter[str]()
    for codon, residue in code.items():
        totals[residue] += counts[codon]
    text = {
        "kazusa": _kazusa_text(counts),
        "csv": "amino acid,codon,count\n" + "\n".join(f"{code[c]},{c},{n}" for c, n in counts.items()),
        "fractions": "\n".join(f"{c.lower()}\t{n / totals[code[c]]:.5f}" for c, n in counts.items()),
    }[form]
    path = tmp_path / "usage.txt"
    context = ToolContext(cache_dir=tmp_path, artifact_dir=tmp_path, library_folder=tmp_path)

    def with_table(content: str) -> ToolResult:
        path.write_text(content)
        table = keep_file(str(path), tmp_path).model_dump()
        arguments = {"sequence": "MLRSKFW", "host": "CHO", "usage_table": table}
        return optimize_codons.run(optimize_codons.validate(arguments), context)

    result = with_table(text)
    assert result.data["dna"] == "ATGCTGAGGAGCAAGTTCTGGTGA"
    assert result.data["host"] == {"species": "CHO", "taxid": None, "table": "usage.txt"}
    with pytest.raises(BenchmateError, match="GGA twice"):
        with_table(text.replace("GGG", "GGA").replace("ggg", "gga"))
    with pytest.raises(BenchmateError, match="lacks 64 of 64 codons"):
        with_table("nothing here")
