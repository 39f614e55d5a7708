"""Cloning: products put together by hand, pydna's own assemblies and documented examples, round trips, traps, bad input."""

from __future__ import annotations

import random
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from Bio import SeqIO
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from pydna.amplify import Anneal
from pydna.assembly2 import gibson_assembly, golden_gate_assembly, restriction_ligation_assembly
from pydna.dseq import Dseq
from pydna.dseqrecord import Dseqrecord
from pydna.primer import Primer

from benchmate.runtime.errors import BenchmateError
from benchmate.tools.base import Tool, ToolContext, ToolResult
from benchmate.tools.biology.dna import reverse_complement
from benchmate.tools.biology.gibson import overlaps, simulate_gibson_assembly
from benchmate.tools.biology.golden_gate import simulate_golden_gate
from benchmate.tools.biology.pcr import simulate_pcr
from benchmate.tools.biology.restriction_cloning import simulate_restriction_cloning

SEEDS = st.integers(0, 10_000)
PROPERTY = settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
Run = Callable[..., ToolResult]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    context = ToolContext(cache_dir=tmp_path, artifact_dir=tmp_path, library_folder=tmp_path)

    def call(tool: Tool, **arguments: Any) -> ToolResult:
        return tool.run(tool.validate(arguments), context)

    return call


def error(run: Run, tool: Tool, **arguments: Any) -> BenchmateError:
    with pytest.raises(BenchmateError) as caught:
        run(tool, **arguments)
    return caught.value


def dna(
    length: int, seed: int, without: str = "GAATTC|GGATCC|AGATCT|GGTCTC|GAGACC|GGTACC|GATATC|AAGCTT"
) -> str:
    """Return random DNA without the sites that the tests use."""
    rng = random.Random(seed)
    letters = ""
    while len(letters) < length:
        letters += rng.choice("ACGT")
        if re.search(without, letters[-8:]):
            letters = letters[:-1]
    return letters


def circle(text: str) -> dict[str, str]:
    return {"sequence": text, "topology": "circular"}


def same_circle(one: str, other: str) -> bool:
    """Whether two circles are the same molecule: a rotation of either strand."""
    return len(one) == len(other) and (other in one + one or reverse_complement(other) in one + one)


class TestPcr:
    def test_the_example_of_pydna(self, run: Run) -> None:
        # pydna.amplify.Anneal: 1011 bp, primers anneal with 23 and 22 bases
        template = "tacactcaccgtctatcattatcta" + "gatc" * 240 + "ctatcgactgtatcatctgatagcac"
        result = run(
            simulate_pcr,
            template=template,
            forward="tacactcaccgtctatcattatc",
            reverse="gtgctatcagatgatacagtcg",
        )
        assert result.quantities["amplicon_length"].value == 1011
        assert result.data["product"]["sequence"] == template.upper()
        assert [p["annealing_bases"] for p in result.data["primers"].values()] == [23, 22]

    @PROPERTY
    @given(SEEDS, st.integers(0, 299), st.integers(40, 250))
    def test_tails_and_origin_by_hand(self, run: Run, seed: int, start: int, length: int) -> None:
        template = dna(300, seed)
        wanted = (template + template)[start : start + length]
        tails = ("TTGAATTCCA", "CCGGATCCAT")
        forward, reverse = tails[0] + wanted[:18], tails[1] + reverse_complement(wanted[-18:])
        result = run(simulate_pcr, template=circle(template), forward=forward, reverse=reverse)
        assert result.data["product"]["sequence"] == tails[0] + wanted + reverse_complement(tails[1])
        (part,) = result.data["product"]["parts"]
        first, size = (
            part["source_start"] - 1,
            part["end"] - part["start"] + 1,
        )  # a tail's last bases can match by chance
        assert (template * 2)[first : first + size] == result.data["product"]["sequence"][
            part["start"] - 1 : part["end"]
        ]
        assert size >= length and (first + size - 1) % 300 + 1 == part["source_end"]

    @PROPERTY
    @given(SEEDS, st.integers(60, 240))
    def test_it_agrees_with_pydna(self, run: Run, seed: int, length: int) -> None:
        template = dna(300, seed)
        forward, reverse = (
            "GG" + template[20:40],
            "CC" + reverse_complement(template[20 + length - 20 : 20 + length]),
        )
        (expected,) = Anneal([Primer(forward), Primer(reverse)], Dseqrecord(template), limit=15).products
        ours = run(simulate_pcr, template=template, forward=forward, reverse=reverse).data["product"]
        assert ours["sequence"] == str(expected.seq).upper()
        assert ours["seguid"] == expected.seq.seguid()

    def test_inverse_pcr_gives_the_whole_plasmid(self, run: Run) -> None:
        plasmid = dna(300, 5)
        result = run(
            simulate_pcr,
            template=circle(plasmid),
            forward=plasmid[100:120],
            reverse=reverse_complement(plasmid[80:100]),
        )
        assert result.data["product"]["sequence"] == plasmid[100:] + plasmid[:100]
        assert (
            error(
                run,
                simulate_pcr,
                template=plasmid,
                forward=plasmid[100:120],
                reverse=reverse_complement(plasmid[80:100]),
            ).code
            == "no_product"
        )

    def test_overlapping_primers_on_a_circle_repeat_their_overlap(self, run: Run) -> None:
        plasmid = dna(300, 5)
        result = run(
            simulate_pcr,
            template=circle(plasmid),
            forward=plasmid[100:125],
            reverse=reverse_complement(plasmid[100:125]),
        )
        assert result.data["product"]["sequence"] == plasmid[100:] + plasmid[:125]
        assert any("share 25 bases" in warning for warning in result.warnings)

    def test_a_mutation_inside_a_primer_is_kept(self, run: Run) -> None:
        template = dna(300, 8)
        other = "A" if template[30] != "A" else "C"
        forward = template[20:30] + other + template[31:50]
        product = run(
            simulate_pcr, template=template, forward=forward, reverse=reverse_complement(template[180:200])
        ).data
        assert product["product"]["sequence"] == template[20:30] + other + template[31:200]
        assert product["primers"]["forward"]["annealing_bases"] == 19

    def test_primers_given_in_the_opposite_order(self, run: Run) -> None:
        template = dna(300, 9)
        result = run(
            simulate_pcr,
            template=template,
            forward=reverse_complement(template[180:200]),
            reverse=template[20:40],
        )
        assert result.data["product"]["sequence"] == template[20:200]
        assert any("opposite order" in warning for warning in result.warnings)

    def test_overlapping_places_of_a_repeat_all_count(self, run: Run) -> None:
        template = dna(60, 1) + "ACGT" * 6 + dna(60, 2)
        found = error(
            run,
            simulate_pcr,
            template=template,
            forward="ACGT" * 4,
            reverse=reverse_complement(template[-20:]),
        )
        assert found.code == "primer_anneals_twice"
        tops = [place["start"] for place in found.info.details["places"] if place["strand"] == "+"]
        assert tops == [61, 65, 69]  # ACGT is its own complement: the other strand has them, too

    @pytest.mark.parametrize(
        ("change", "code", "said"),
        [
            ({"forward": "ACGTTGCATGCAAGCTTACGATTT"}, "primer_not_annealing", "anneals nowhere"),
            ({"forward": "ACGTACG"}, "primer_too_short", "7 bases"),
            ({"forward": "ACGTNACGTACGTACGTACG"}, "ambiguous_bases", "position 5"),
            ({"forward": "MKLVEFWRT"}, "not_nucleotides", ""),
            ({"template": "ACGT" * 200_000}, "too_large", "800000"),
            ({"annealing": 100}, "bad_arguments", ""),
        ],
    )  # fmt: skip
    def test_bad_input_is_named(self, run: Run, change: dict[str, Any], code: str, said: str) -> None:
        template = dna(300, 3)
        arguments = {
            "template": template,
            "forward": template[20:40],
            "reverse": reverse_complement(template[180:200]),
        }
        found = error(run, simulate_pcr, **(arguments | change))
        assert found.code == code and said in str(found)

    def test_a_reverse_primer_written_along_the_top_strand(self, run: Run) -> None:
        template = dna(300, 3)
        assert (
            error(
                run, simulate_pcr, template=template, forward=template[20:40], reverse=template[180:200]
            ).code
            == "same_strand"
        )
        backwards = error(
            run,
            simulate_pcr,
            template=template,
            forward=template[20:40][::-1],
            reverse=reverse_complement(template[180:200]),
        )
        assert "backwards" in (backwards.hint or "")


class TestRestrictionCloning:
    def test_the_example_of_pydna(self, run: Run) -> None:
        # pydna.assembly2.restriction_ligation_assembly: 22 bp, TCGACccccccGAATTCaggtG
        result = run(
            simulate_restriction_cloning, vector=circle("cccGAATTCaaaGTCGACccc"), insert="ggGAATTCaggtGTCGACgg", enzymes=["EcoRI", "SalI"]
        )  # fmt: skip
        (product,) = result.data["products"]
        assert same_circle(product["sequence"], "TCGACCCCCCCGAATTCAGGTG")
        assert product["sequence"].startswith("CCCGAATTC")  # base 1 of the vector stays base 1
        assert any("has 2 bases beside it" in warning for warning in result.warnings)
        assert result.data["empty_vector_closes"] is False

    @PROPERTY
    @given(
        SEEDS,
        st.sampled_from(
            [
                ("EcoRI", "GAATTC", "BamHI", "GGATCC"),
                ("KpnI", "GGTACC", "HindIII", "AAGCTT"),
                ("EcoRV", "GATATC", "KpnI", "GGTACC"),
            ]
        ),
        st.integers(0, 249),
    )
    def test_a_plasmid_cut_and_closed_again_is_the_same(
        self, run: Run, seed: int, enzymes: tuple[str, str, str, str], turn: int
    ) -> None:
        first, site, second, other = enzymes
        plasmid = site + dna(60, seed) + other + dna(178, seed + 1)
        plasmid = plasmid[turn:] + plasmid[:turn]
        round_once = plasmid + plasmid[:5]
        assume(
            round_once.count(site) == round_once.count(other) == 1
        )  # none formed by chance where the pieces meet
        result = run(
            simulate_restriction_cloning,
            vector=circle(plasmid),
            insert=circle(plasmid),
            enzymes=[first, second],
        )
        (product,) = result.data["products"]
        assert same_circle(product["sequence"], plasmid)
        assert product["seguid"] == Dseq(plasmid, circular=True).seguid()

    @pytest.mark.parametrize(
        ("enzyme", "site"),
        [("EcoRI", "GAATTC"), ("KpnI", "GGTACC"), ("EcoRV", "GATATC"), ("HindIII", "AAGCTT")],
    )
    def test_one_enzyme_lets_the_insert_in_both_ways(self, run: Run, enzyme: str, site: str) -> None:
        vector, middle = dna(150, 21) + site + dna(50, 22), dna(90, 23)
        insert = "CCCC" + site + middle + site + "CCCC"
        result = run(simulate_restriction_cloning, vector=circle(vector), insert=insert, enzymes=[enzyme])
        forward, reverse = (product["sequence"] for product in result.data["products"])
        half = vector.index(site)
        assert forward == vector[:half] + site + middle + site + vector[half + 6 :]
        assert reverse == vector[:half] + site + reverse_complement(middle) + site + vector[half + 6 :]
        assert result.data["empty_vector_closes"] is True
        assert any("phosphates" in warning for warning in result.warnings)
        assert any("both ways" in warning for warning in result.warnings)
        cutter = [getattr(__import__("Bio.Restriction", fromlist=[enzyme]), enzyme)]
        expected = restriction_ligation_assembly(
            [Dseqrecord(vector, circular=True), Dseqrecord(insert)], cutter, circular_only=True
        )
        assert {p["seguid"] for p in result.data["products"]} == {p.seq.seguid() for p in expected}

    def test_compatible_ends_of_two_enzymes_lose_both_sites(self, run: Run) -> None:
        vector, middle = dna(150, 31) + "GGATCC" + dna(50, 32), dna(60, 33)
        result = run(
            simulate_restriction_cloning, vector=circle(vector), insert="CCC" + "AGATCT" + middle + "AGATCT" + "CCC", enzymes=["BamHI"], insert_enzymes=["BglII"]
        )  # fmt: skip
        forward = result.data["products"][0]
        assert forward["sequence"] == vector[:151] + "GATCT" + middle + "A" + "GATCC" + vector[156:]
        assert [junction["cut_again_by"] for junction in forward["junctions"]] == [[], []]
        assert forward["junctions"][0]["around"][9:15] == "GGATCT"

    def test_a_blunt_insert_that_is_not_cut(self, run: Run) -> None:
        vector, insert = dna(150, 41) + "GATATC" + dna(50, 42), dna(80, 43)
        result = run(
            simulate_restriction_cloning,
            vector=circle(vector),
            insert=insert,
            enzymes=["EcoRV"],
            insert_enzymes=[],
        )
        assert [p["sequence"] for p in result.data["products"]] == [
            vector[:153] + insert + vector[153:], vector[:153] + reverse_complement(insert) + vector[153:]
        ]  # fmt: skip
        assert any("Taq" in warning for warning in result.warnings)

    def test_parts_tell_where_each_base_comes_from(self, run: Run) -> None:
        vector, insert = (
            dna(100, 51) + "GAATTC" + dna(40, 52) + "GGATCC" + dna(100, 53),
            "CCCCGAATTC" + dna(60, 54) + "GGATCCCCCC",
        )
        vector = vector[120:] + vector[:120]  # the piece that is cut out runs across the origin
        for orientation in (insert, reverse_complement(insert)):
            (product,) = run(
                simulate_restriction_cloning,
                vector=circle(vector),
                insert=orientation,
                enzymes=["EcoRI", "BamHI"],
            ).data["products"]
            for part in product["parts"]:
                source = vector if part["name"] == "vector" else orientation
                begin, end = part["source_start"], part["source_end"]
                text = source[begin - 1 : end] if begin <= end else source[begin - 1 :] + source[:end]
                text = text if part["strand"] == "+" else reverse_complement(text)
                assert product["sequence"][part["start"] - 1 : part["end"]] == text

    def test_the_file_is_a_circular_genbank_record(self, run: Run, tmp_path: Path) -> None:
        result = run(simulate_restriction_cloning, **simulate_restriction_cloning.example or {})
        (artifact,) = result.artifacts
        (path,) = tmp_path.rglob(f"*{artifact.sha}*")
        record = SeqIO.read(path, "genbank")
        assert record.annotations["topology"] == "circular"
        assert str(record.seq) == result.data["products"][0]["sequence"]
        assert [feature.qualifiers["label"] for feature in record.features] == [
            ["vector"],
            ["insert"],
            ["vector"],
        ]

    @pytest.mark.parametrize(
        ("change", "code", "said"),
        [
            ({"enzymes": ["HindIII"]}, "no_site", "HindIII does not cut the vector"),
            ({"vector": "GAATTC" + dna(50, 1) + "GAATTC" + dna(90, 2)}, "several_sites", "EcoRI cuts the vector 2 times, after bases 1, 57"),
            ({"insert": dna(50, 4)}, "no_site", "the insert"),
            ({"insert": "CCCGAATTC" + dna(20, 1) + "GAATTC" + dna(20, 2) + "GAATTCCCC"}, "several_sites", "cuts the insert 3 times"),
            ({"insert_enzymes": ["BamHI"], "insert": "CCCGGATCC" + dna(30, 5) + "GGATCCCCC"}, "incompatible_ends", "5' AATT (EcoRI)"),
            ({"enzymes": ["EcoRl"]}, "unknown_enzyme", "EcoRl"),
            ({"enzymes": ["BcgI"]}, "unsupported_enzyme", "both sides"),
            ({"enzymes": []}, "bad_arguments", ""),
            ({"vector": "ACGTNNNGAATTC"}, "ambiguous_bases", "position 5 of the vector"),
        ],
    )  # fmt: skip
    def test_bad_input_is_named(self, run: Run, change: dict[str, Any], code: str, said: str) -> None:
        arguments = {
            "vector": dna(90, 61) + "GAATTC" + dna(50, 62),
            "insert": "CCCGAATTC" + dna(40, 63) + "GAATTCCCC",
            "enzymes": ["EcoRI"],
        }
        found = error(run, simulate_restriction_cloning, **(arguments | change))
        assert found.code == code and said in str(found)

    def test_sites_that_run_into_each_other(self, run: Run) -> None:
        vector = dna(90, 71) + "GAATTCC" + dna(50, 72)  # XapI and EcoRI cut at the same place
        found = error(
            run,
            simulate_restriction_cloning,
            vector=vector,
            insert="CCCGAATTC" + dna(40, 73),
            enzymes=["EcoRI", "XapI"],
        )
        assert found.code in ("sites_overlap", "several_sites")


class TestGibson:
    @PROPERTY
    @given(SEEDS, st.integers(2, 5), st.integers(20, 40))
    def test_a_circle_taken_apart_comes_together(self, run: Run, seed: int, count: int, overlap: int) -> None:
        rng = random.Random(seed)
        plasmid = dna(250 * count, seed)
        fragments = [(plasmid + plasmid)[250 * i : 250 * (i + 1) + overlap] for i in range(count)]
        given_as = [reverse_complement(f) if rng.random() < 0.5 else f for f in rng.sample(fragments, count)]
        result = run(simulate_gibson_assembly, fragments=given_as)
        product = result.data["product"]
        assert same_circle(product["sequence"], plasmid)
        assert product["sequence"].startswith(given_as[0][:-overlap])
        assert [result.quantities[f"overlap_{i}_length"].value for i in range(1, count + 1)] == [
            overlap
        ] * count
        for part in product["parts"]:
            text = given_as[int(part["name"].split()[-1]) - 1][part["source_start"] - 1 : part["source_end"]]
            text = text if part["strand"] == "+" else reverse_complement(text)
            assert product["sequence"][part["start"] - 1 : part["end"]] == text

    @PROPERTY
    @given(SEEDS)
    def test_it_agrees_with_pydna(self, run: Run, seed: int) -> None:
        plasmid = dna(700, seed)
        fragments = [plasmid[:330], reverse_complement(plasmid[300:] + plasmid[:25])]
        (expected,) = gibson_assembly([Dseqrecord(f) for f in fragments], limit=20, circular_only=True)
        ours = run(simulate_gibson_assembly, fragments=fragments).data["product"]
        assert ours["seguid"] == expected.seq.seguid()

    def test_one_fragment_closes(self, run: Run) -> None:
        plasmid = dna(400, 3)
        result = run(simulate_gibson_assembly, fragments=[plasmid + plasmid[:30]])
        assert result.data["product"]["sequence"] == plasmid
        assert result.quantities["junction_count"].value == 1

    def test_overlap_extension_gives_a_linear_product(self, run: Run) -> None:
        gene = dna(700, 4)
        result = run(
            simulate_gibson_assembly, fragments=[gene[:300], gene[275:500], gene[470:]], topology="linear"
        )
        assert result.data["product"] | {"file": "", "seguid": "", "parts": []} == {
            "name": "gibson_product", "length": 700, "topology": "linear", "sequence": gene, "file": "", "seguid": "", "parts": []
        }  # fmt: skip
        turned = run(
            simulate_gibson_assembly,
            fragments=[reverse_complement(gene[:300]), gene[275:]],
            topology="linear",
        )
        assert turned.data["product"]["sequence"] == reverse_complement(
            gene
        )  # the first fragment stays as given

    def test_overlaps_in_all_registers(self) -> None:
        assert overlaps("TTACTAAAAAAA", "AAAAAACGCACG", 5) == [
            6,
            5,
        ]  # pydna.assembly2.terminal_overlap: 6 and 5
        assert overlaps("AAAAAACGCACG", "TTACTAAAAAAA", 5) == []

    def test_weak_overlaps_are_told(self, run: Run) -> None:
        joint = "ATATTTAATTAATATTTAAT"
        body, other = dna(300, 7), dna(300, 8)
        second = dna(20, 9)
        result = run(simulate_gibson_assembly, fragments=[second + body + joint, joint + other + second])
        assert any("40 °C" in warning for warning in result.warnings)

    def test_errors(self, run: Run) -> None:
        a, b, c = dna(300, 11), dna(300, 12), dna(300, 13)
        link = dna(25, 14)
        cases: list[tuple[dict[str, Any], str, str]] = [
            ({"fragments": [a, b]}, "incompatible_ends", "left end of fragment 1"),
            ({"fragments": [a + link, link + b]}, "incompatible_ends", "right end of fragment 2"),
            ({"fragments": [a + link[:18], link[:18] + b + a[:18]]}, "incompatible_ends", "has 18 bases"),
            ({"fragments": [c[-25:] + a + link, link + b + c[-25:], link + c]}, "ambiguous_assembly", "fits"),
            ({"fragments": [a + a[:25], b + b[:25]]}, "left_out", "fragment 2"),
            ({"fragments": [circle(a), b]}, "circular_fragment", "circle"),
            ({"fragments": [a, "ACGTACGTACGTACG"]}, "too_short", "15 bases"),
            ({"fragments": [a + link, link + b + a[:25]], "topology": "linear"}, "closes_to_circle", "circle"),
            ({"fragments": []}, "wrong_number", "0 sequences"),
            ({"fragments": [a] * 21}, "wrong_number", "21"),
            ({"fragments": [a, "MKLVEFPQ"]}, "not_nucleotides", ""),
        ]  # fmt: skip
        for arguments, code, said in cases:
            found = error(run, simulate_gibson_assembly, **arguments)
            assert found.code == code and said in str(found), arguments

    def test_tandem_repeats_at_the_ends_are_ambiguous(self, run: Run) -> None:
        repeat = "ACGGTCATTC" * 4
        found = error(run, simulate_gibson_assembly, fragments=[dna(300, 1) + repeat, repeat + dna(300, 2)])
        assert found.code == "ambiguous_assembly" and "registers" in str(found)


OVERHANGS = ["GGAG", "TACT", "AATG", "GCTT", "CGCT"]  # of the MoClo standard


def moclo(middles: list[str], flip: set[int] = frozenset()) -> list[Any]:  # type: ignore[assignment]
    """Return a circular vector and parts whose BsaI overhangs are those of the standard."""
    from itertools import pairwise

    parts: list[Any] = []
    used = OVERHANGS[: len(middles)]
    for number, (middle, (left, right)) in enumerate(zip(middles[1:], pairwise(used), strict=True)):
        part = "CCTTGGTCTCA" + left + middle + right + "TGAGACCTTCC"
        parts.append(reverse_complement(part) if number in flip else part)
    vector = middles[0] + used[0] + "TGAGACC" + "TTTTAAAA" + "GGTCTCA" + used[-1]
    return [circle(vector), *parts]


def bsai_sites(part: str | dict[str, str]) -> int:
    text = part["sequence"] + part["sequence"][:5] if isinstance(part, dict) else part
    return text.count("GGTCTC") + text.count("GAGACC")


class TestGoldenGate:
    @PROPERTY
    @given(SEEDS, st.integers(2, 5), st.sets(st.integers(0, 3)))
    def test_parts_by_hand_and_by_pydna(self, run: Run, seed: int, count: int, flip: set[int]) -> None:
        from Bio.Restriction import BsaI  # type: ignore[attr-defined]

        middles = [dna(80 + 7 * i, seed + i) for i in range(count)]
        expected = middles[0] + "".join(o + m for o, m in zip(OVERHANGS, [*middles[1:], ""], strict=False))
        parts = moclo(middles, flip)
        assume(
            all(bsai_sites(part) == 2 for part in parts) and not bsai_sites(circle(expected))
        )  # none formed by chance
        result = run(simulate_golden_gate, parts=parts)
        product = result.data["product"]
        assert same_circle(product["sequence"], expected)
        assert [row["overhang"] for row in result.data["junctions"]] == OVERHANGS[:count]
        records = [
            Dseqrecord(p["sequence"], circular=True) if isinstance(p, dict) else Dseqrecord(p) for p in parts
        ]
        (theirs,) = golden_gate_assembly(records, [BsaI], allow_blunt=False, circular_only=True)
        assert product["seguid"] == theirs.seq.seguid()
        for part in product["parts"]:
            given_as = parts[int(part["name"].split()[-1]) - 1]
            source = given_as["sequence"] * 2 if isinstance(given_as, dict) else given_as
            end = part["source_end"] + (len(source) // 2 if part["source_end"] < part["source_start"] else 0)
            text = source[part["source_start"] - 1 : end]
            text = text if part["strand"] == "+" else reverse_complement(text)
            assert product["sequence"][part["start"] - 1 : part["end"]] == text

    def test_an_enzyme_with_an_overhang_of_three(self, run: Run) -> None:
        middle, other = dna(60, 1), dna(70, 2)
        part = "CCGCTCTTCA" + "ATG" + middle + "GGT" + "TGAAGAGCCC"
        vector = circle(other + "ATG" + "TGAAGAGC" + "TTTT" + "GCTCTTCA" + "GGT")
        result = run(simulate_golden_gate, parts=[vector, part], enzyme="SapI")
        assert same_circle(result.data["product"]["sequence"], other + "ATG" + middle + "GGT")

    def test_errors(self, run: Run) -> None:
        vector, first, second = moclo([dna(80, 1), dna(60, 2), dna(70, 3)])
        inner = first.replace("TGAGACC", "CGGTCTCATTTTTTTGAGACC")
        cases: list[tuple[list[Any], str, str]] = [
            ([vector, first], "incompatible_ends", "right end of fragment 2"),
            ([vector, first, second, first], "ambiguous_assembly", "fits"),
            ([vector, dna(60, 2), second], "no_site", "cuts fragment 2 0 times"),
            ([vector, inner, second], "several_sites", "3 times"),
            ([vector, "CCTTGAGACCA" + dna(60, 2) + "TGGTCTCTTCC"], "wrong_orientation", "sites of fragment 2"),
            ([vector, first, second.replace("AATG" + "TGAGACC", "TACT" + "TGAGACC")], "ambiguous_assembly", "fits"),
            ([vector], "wrong_number", "1 sequences"),
        ]  # fmt: skip
        for parts, code, said in cases:
            found = error(run, simulate_golden_gate, parts=parts)
            assert found.code == code and said in str(found), (code, str(found))
        for enzyme in ("EcoRI", "BcgI", "BssSI"):
            assert error(run, simulate_golden_gate, parts=[vector, first], enzyme=enzyme).code in (
                "not_type_iis",
                "unsupported_enzyme",
            )

    def test_a_palindromic_overhang_is_ambiguous(self, run: Run) -> None:
        middle, other = dna(60, 1), dna(70, 2)
        part = "CCTTGGTCTCA" + "GATC" + middle + "GGAG" + "TGAGACCTTCC"
        vector = circle(other + "GATC" + "TGAGACC" + "TTTTAAAA" + "GGTCTCA" + "GGAG")
        assert error(run, simulate_golden_gate, parts=[vector, part]).code == "ambiguous_assembly"

    def test_overhangs_that_differ_in_one_base_are_told(self, run: Run) -> None:
        middle, other = dna(60, 1), dna(70, 2)
        part = "CCTTGGTCTCA" + "GGAG" + middle + "GGAT" + "TGAGACCTTCC"
        vector = circle(other + "GGAG" + "TGAGACC" + "TTTTAAAA" + "GGTCTCA" + "GGAT")
        assert any(
            "differ in one base" in w for w in run(simulate_golden_gate, parts=[vector, part]).warnings
        )
