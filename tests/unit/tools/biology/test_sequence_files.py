"""Sequence files: translations against those of GenBank records, coordinates, circles, qualities by hand, damaged input."""

from __future__ import annotations

import gzip
import struct
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from benchmate.runtime.errors import BenchmateError
from benchmate.tools.base import ToolContext, ToolResult
from benchmate.tools.biology.dna import reverse_complement
from benchmate.tools.biology.sequence_features import extract, feature_rows
from benchmate.tools.biology.sequence_files import read_sequences
from benchmate.tools.biology.sequence_records import read_sequence_file
from benchmate.tools.files import keep_file

# A circle of 60 bases: a CDS on the other strand, one across the origin, one that begins with GTG, a site between two bases.
CIRCLE = "TTTAAACCCGGGATGAAATTTTAGCCCGGGTTACATCATGGGCCCGTGAAATAAATGAAA"
PLASMID = f"""LOCUS       pTINY                     60 bp    DNA     circular SYN 01-JAN-2026
DEFINITION  an invented circle.
ACCESSION   pTINY
VERSION     pTINY.2
FEATURES             Location/Qualifiers
     source          1..60
                     /organism="synthetic DNA construct"
                     /db_xref="taxon:32630"
     CDS             13..24
                     /gene="fwd"
                     /locus_tag="T_1"
     CDS             complement(31..39)
                     /gene="rev"
                     /transl_table=11
     CDS             46..54
                     /gene="gtg"
                     /transl_table=11
     CDS             join(55..60,1..6)
                     /gene="over"
                     /note="across the origin"
     misc_feature    12^13
                     /label="between"
     CDS             <14..>24
                     /gene="part"
                     /codon_start=3
ORIGIN
        1 {CIRCLE[:60].lower()}
//
"""
FASTQ = "@r1 one\nACGT\n+\nIIII\n@r2\nACGTAC\n+r2\n555555\n"  # I is 40, 5 is 20


def context(folder: Path) -> ToolContext:
    return ToolContext(cache_dir=folder / "c", artifact_dir=folder / "a", library_folder=folder / "l")


def run(folder: Path, content: str | bytes, name: str = "x.gb", **arguments: Any) -> ToolResult:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return read_sequences.run(read_sequences.validate({"file": str(path), **arguments}), context(folder))


def cold(folder: Path, **arguments: Any) -> ToolResult:
    arguments = read_sequences.validate({"file": "sample:cold-genes", **arguments})
    return read_sequences.run(arguments, context(folder))


def test_every_translation_of_the_sample_agrees_with_the_record(tmp_path: Path) -> None:
    folder = context(tmp_path).artifact_dir
    read = read_sequence_file(keep_file("sample:cold-genes", folder).open(folder))
    checked = [
        extract(entry, feature, None).agrees
        for entry in read.entries
        for feature in entry.record.features
        if feature.type == "CDS" and "translation" in feature.qualifiers
    ]
    assert checked == [True] * 6


def test_the_gene_with_introns(tmp_path: Path) -> None:
    result = cold(tmp_path, record="X62281", feature="kin2")
    row = result.data[
        "feature"
    ]  # INSDC X62281.1: the exons, and UniProt P31169's variant that the record gives
    assert row["location"] == "join(104..160,320..390,504..579)"
    assert (row["start"], row["end"], row["strand"], row["parts"], row["length"]) == (104, 579, "+", 3, 204)
    assert row["translation"] == "MSETNKNAFQAGQAAGKAERRRAMFCWTRPRMLLLQLELPRNRAGKSISDAAVGGVNFVKDKTGLNK"
    assert row["agrees_with_the_record"]
    assert result.quantities["protein_length"].value == 67
    assert any("standard one is used" in w for w in result.warnings)


def test_what_a_record_says_of_itself(tmp_path: Path) -> None:
    first, second, *_ = cold(tmp_path).data["records"]
    assert (first["id"], first["length"], first["molecule"], first["molecule_type"]) == (
        "X55053.1",
        513,
        "rna",
        "mRNA",
    )
    assert (second["organism"], second["taxon_id"], second["version"]) == ("Arabidopsis thaliana", "3702", 1)
    assert second["topology"] == "linear" and not second["topology_stated"]
    assert second["taxonomy"][0] == "Eukaryota" and second["sequence"].startswith("ATTTGGCC")


def test_totals_of_the_sample(tmp_path: Path) -> None:
    found = cold(tmp_path).quantities  # LOCUS lines: 513, 880, 441, 206, 282, 497
    assert found["record_count"].value == 6
    assert found["total_length"].value == 2819 and found["total_length"].unit == "nt"  # DNA beside RNA
    assert found["n50"].value == 497  # 880 + 513 = 1393 < 1409.5 <= 1890
    # BASE COUNT lines of the first two: c 82 + 155, g 104 + 160 of 1393
    alone = [cold(tmp_path, record=name).quantities["gc_content"].value for name in ("X55053.1", "ATKIN2")]
    assert alone == pytest.approx([100 * 186 / 513, 100 * 315 / 880])


def test_a_circle_is_circular_and_features_may_cross_its_origin(tmp_path: Path) -> None:
    result = run(tmp_path, PLASMID)
    record = result.data["records"][0]
    assert (record["topology"], record["topology_stated"], record["version"]) == ("circular", True, 2)
    rows = {row["name"]: row for row in result.data["features"]}
    over = rows["over"]
    assert (over["start"], over["end"], over["spans_origin"], over["length"]) == (55, 6, True, 12)
    assert rows["between"]["location"] == "12^13" and (rows["between"]["start"], rows["between"]["end"]) == (
        12,
        13,
    )
    assert "source" not in {row["type"] for row in result.data["features"]}


@pytest.mark.parametrize(
    ("name", "sequence", "protein"),
    [
        ("fwd", "ATGAAATTTTAG", "MKF"),
        ("T_1", "ATGAAATTTTAG", "MKF"),  # by its locus tag
        ("rev", "ATGATGTAA", "MM"),  # the reverse complement of 31..39
        ("gtg", "GTGAAATAA", "MK"),  # an alternative start is Met
        ("over", "ATGAAATTTAAA", "MKFK"),
        ("part", "TGAAATTTTAG", "KF"),  # codon_start 3: AAA TTT TAG
    ],
)
def test_features_on_the_circle(tmp_path: Path, name: str, sequence: str, protein: str) -> None:
    row = run(tmp_path, PLASMID, feature=name).data["feature"]
    assert (row["sequence"], row["translation"]) == (sequence, protein)


def test_a_feature_without_a_frame_is_not_translated(tmp_path: Path) -> None:
    result = run(tmp_path, PLASMID, feature="over", feature_type="CDS", genetic_code=2)
    assert result.data["feature"]["genetic_code"] == 2
    result = cold(tmp_path, record="X62281", feature="kin2", feature_type="gene")
    assert "translation" not in result.data["feature"] and result.quantities["feature_length"].value == 536


def test_a_translation_that_differs_is_pointed_out(tmp_path: Path) -> None:
    text = PLASMID.replace('/gene="fwd"', '/gene="fwd"\n                     /translation="MRF"')
    result = run(tmp_path, text, feature="fwd")
    assert result.data["feature"]["agrees_with_the_record"] is False
    assert result.data["feature"]["translation_of_the_record"] == "MRF"
    assert any("is another" in w for w in result.warnings)


def test_embl_reads_as_genbank_does(tmp_path: Path) -> None:
    text = (
        "ID   X1; SV 3; circular; genomic DNA; STD; SYN; 12 BP.\nXX\nAC   X1;\nXX\nDE   twelve bases\nXX\n"
        'FH   Key             Location/Qualifiers\nFT   CDS             complement(1..9)\nFT                   /gene="a"\n'
        "XX\nSQ   Sequence 12 BP; 3 A; 3 C; 3 G; 3 T; 0 other;\n     ttacatcatc cg                                                            12\n//\n"
    )
    result = run(tmp_path, text, "x.embl", feature="a")
    assert result.data["format"] == "EMBL" and result.data["records"][0]["topology"] == "circular"
    assert result.data["feature"]["translation"] == "MM"


def test_fasta_of_proteins_and_of_contigs(tmp_path: Path) -> None:
    proteins = run(tmp_path, ">a first\nMKWVTFISLL\n>b\nMQIFVKTLTGK*\n", "x.faa")
    assert (
        proteins.quantities["total_length"].unit == "aa" and proteins.quantities["total_length"].value == 21
    )
    assert "gc_content" not in proteins.quantities and "n50" not in proteins.quantities
    assert proteins.data["records"][0]["description"] == "a first"
    contigs = "".join(f">c{n}\n{'ACGTACGTGG' * n}\n" for n in (8, 8, 4, 3, 3, 2, 2, 2))  # the textbook N50: 8
    found = run(tmp_path, contigs, "x.fna").quantities
    assert found["n50"].value == 80 and found["total_length"].value == 320 and found["gc_content"].value == 60


def test_the_header_of_a_fasta_circle(tmp_path: Path) -> None:
    record = run(tmp_path, ">p topology=circular\nACGTACGTACGTGG\n", "x.fa").data["records"][0]
    assert (record["topology"], record["topology_stated"]) == ("circular", True)


def test_letters_that_decide_nothing(tmp_path: Path) -> None:
    result = run(tmp_path, ">p\nGATTACA\n", "x.fa")
    assert result.data["records"][0]["molecule"] == "undecided" and "gc_content" not in result.quantities
    assert any("`molecule`" in w for w in result.warnings)
    assert run(tmp_path, ">p\nGATTACA\n", "x.fa", molecule="dna").quantities[
        "gc_content"
    ].value == pytest.approx(200 / 7)
    assert run(tmp_path, ">p\nGATTACA\n", "x.fa", molecule="protein").quantities["total_length"].unit == "aa"


def test_records_that_decide_nothing_go_with_the_others(tmp_path: Path) -> None:
    result = run(tmp_path, ">a\nACGTACGTACGTAC\n>b\nNNNNNNNN\n>c\nATATATATATATATAT\n", "x.fna")
    assert [row["molecule"] for row in result.data["records"]] == ["dna", "dna", "dna"]
    assert result.quantities["gc_content"].value == pytest.approx(700 / 30)
    assert any("read as dna, as the others are" in w for w in result.warnings)


def test_an_aligned_file_has_gaps(tmp_path: Path) -> None:
    result = run(tmp_path, ">a\nACGT--ACGTACGT\n>b\nACGTACACGTAC--\n", "x.fa")
    assert result.quantities["total_length"].value == 24
    assert any("gap characters" in w for w in result.warnings)
    assert not run(tmp_path, ">a-b v1.2\nACGTACGTACGT\n", "x.fa").warnings


def test_qualities_by_hand(tmp_path: Path) -> None:
    found = run(tmp_path, FASTQ, "x.fq").quantities
    # four bases at Q40 (1e-4), six at Q20 (1e-2): 0.0604 errors, over two reads and over ten bases
    assert found["expected_errors"].value == pytest.approx(0.0302)
    assert found["mean_quality"].value == pytest.approx(22.1896, abs=1e-3)
    assert (found["q30_percentage"].value, found["q20_percentage"].value) == (40, 100)


def test_encodings_of_qualities(tmp_path: Path) -> None:
    old = "@r\nACGT\n+\nhhhh\n"  # 40 in phred64, 71 in phred33
    plain = run(tmp_path, old, "x.fq")
    assert any("may be phred64" in w for w in plain.warnings)
    assert not run(tmp_path, "@r\nACGT\n+\nIIII\n", "x.fq").warnings  # Q40 in phred33, and hardly Q9
    assert run(tmp_path, old, "x.fq", quality_encoding="phred64").quantities[
        "mean_quality"
    ].value == pytest.approx(40)
    with pytest.raises(BenchmateError) as caught:
        run(tmp_path, FASTQ, "x.fq", quality_encoding="phred64")
    assert caught.value.code == "bad_encoding"


def test_gzip_and_line_ends_of_other_systems(tmp_path: Path) -> None:
    plain = run(tmp_path, FASTQ, "x.fq").quantities
    assert run(tmp_path, gzip.compress(FASTQ.encode()), "x.fq.gz").quantities == plain
    assert run(tmp_path, FASTQ.replace("\n", "\r\n"), "x.fq").quantities == plain
    assert run(tmp_path, "\ufeff" + FASTQ, "x.fq").quantities == plain


def test_snapgene(tmp_path: Path) -> None:
    def packet(kind: int, body: bytes) -> bytes:
        return struct.pack(">BI", kind, len(body)) + body

    features = b"<Features><Feature name='tag' type='CDS' directionality='1'><Segment range='1-9'/></Feature></Features>"
    content = (
        packet(9, b"SnapGene" + struct.pack(">HHH", 1, 1, 1))
        + packet(0, b"\x01ATGAAATAACC")
        + packet(10, features)
    )
    result = run(tmp_path, content, "vector.dna", feature="tag")
    assert result.data["format"] == "SnapGene"
    assert (result.data["records"][0]["id"], result.data["records"][0]["topology"]) == ("vector", "circular")
    assert result.data["feature"]["translation"] == "MK"


def test_a_record_without_its_sequence(tmp_path: Path) -> None:
    text = PLASMID.partition("ORIGIN")[0] + "CONTIG      join(AB000001.1:1..60)\n//\n"
    result = run(tmp_path, text)
    assert result.quantities["total_length"].value == 60 and "gc_content" not in result.quantities
    assert any("no sequence stands in" in w for w in result.warnings)
    with pytest.raises(BenchmateError) as caught:
        run(tmp_path, text, feature="fwd")
    assert caught.value.code == "no_sequence"


def test_many_features_are_all_in_the_table(tmp_path: Path) -> None:
    more = (
        "".join(
            f'     misc_feature    {n}..{n + 1}\n                     /label="f{n}"\n' for n in range(1, 58)
        )
        * 10
    )
    result = run(tmp_path, PLASMID.replace("ORIGIN", more + "ORIGIN"))
    assert result.quantities["feature_count"].value == 576 and len(result.data["features"]) == 500
    assert result.artifacts[0].name == "features.csv"


@pytest.mark.parametrize(
    ("code", "content", "arguments"),
    [
        ("empty_file", "", {}),
        ("empty_file", " \n\n", {}),
        ("bad_file", "name,sequence\na,ACGT\n", {}),
        ("bad_file", b"\xff\xfe\x00A", {}),
        ("bad_file", b"\x1f\x8b\x08damaged", {}),
        ("bad_file", "@r\nACGT\n+\nIII\n", {}),
        ("bad_file", "@r\nACGT\n+\nI\x7fII\n", {}),
        ("bad_file", "@r\nACGT\n", {}),
        ("bad_file", PLASMID[:700], {}),
        ("bad_file", "ID   INS_HUMAN               Reviewed;         110 AA.\nAC   P01308;\n", {}),
        ("invalid_sequence", ">a\nACGTACGT\n>b\nAC1T\n", {}),
        ("invalid_sequence", ">a\nMKWVTF\n", {"molecule": "dna"}),
        ("unknown_feature", PLASMID, {"feature": "bla"}),
        ("unknown_feature", PLASMID, {"feature_type": "tRNA"}),
        ("several_features", PLASMID.replace('"rev"', '"fwd"'), {"feature": "fwd"}),
        ("unknown_record", PLASMID, {"record": "pOTHER"}),
        ("several_records", ">a\nACGT\n>a\nACGG\n", {"record": "a"}),
        ("not_annotated", ">a\nACGTACGTACGT\n", {"feature": "bla"}),
        ("not_annotated", ">a\nACGTACGTACGT\n", {"feature_type": "CDS"}),
        ("unknown_genetic_code", PLASMID, {"feature": "fwd", "genetic_code": 7}),
        ("bad_qualifier", PLASMID.replace("codon_start=3", "codon_start=x"), {"feature": "part"}),
        ("remote_location", PLASMID.replace("13..24", "join(J00194.1:1..9,13..24)"), {"feature": "fwd"}),
        ("bad_arguments", PLASMID, {"genetic_code": 0}),
    ],
)  # fmt: skip
def test_bad_input_is_refused(
    tmp_path: Path, code: str, content: str | bytes, arguments: dict[str, Any]
) -> None:
    with pytest.raises(BenchmateError) as caught:
        run(tmp_path, content, **arguments)
    assert caught.value.code == code


def test_an_error_names_the_nearest_feature_and_the_place(tmp_path: Path) -> None:
    with pytest.raises(BenchmateError) as caught:
        run(tmp_path, PLASMID, feature="ovr")
    assert caught.value.hint is not None and "over" in caught.value.hint
    with pytest.raises(BenchmateError) as caught:
        run(tmp_path, ">a\nACGTACGT\n>b\nAC1T\n", "x.fa")
    assert "record b" in str(caught.value) and "position 3" in str(caught.value)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.text("ACGT", min_size=30, max_size=200), st.data())
def test_a_written_feature_is_read_back(tmp_path: Path, letters: str, data: st.DataObject) -> None:
    from Bio import SeqIO
    from Bio.Seq import Seq
    from Bio.SeqFeature import CompoundLocation, SeqFeature, SimpleLocation
    from Bio.SeqRecord import SeqRecord

    edges = sorted(data.draw(st.sets(st.integers(0, len(letters)), min_size=4, max_size=4)))
    strand = data.draw(st.sampled_from((1, -1)))
    spans = [(edges[0], edges[1]), (edges[2], edges[3])]
    parts = [SimpleLocation(a, b, strand) for a, b in (spans if strand == 1 else spans[::-1])]
    feature = SeqFeature(CompoundLocation(parts), type="misc_feature", qualifiers={"label": ["x"]})
    record = SeqRecord(
        Seq(letters),
        "R.1",
        "R",
        annotations={"molecule_type": "DNA", "topology": "circular"},
        features=[feature],
    )
    SeqIO.write(record, tmp_path / "r.gb", "genbank")
    folder = context(tmp_path).artifact_dir
    entry = read_sequence_file(keep_file(str(tmp_path / "r.gb"), folder).open(folder)).entries[0]
    joined = "".join(letters[a:b] for a, b in spans)
    found = extract(entry, entry.record.features[0], None)
    assert found.letters == (joined if strand == 1 else reverse_complement(joined))
    (row,) = feature_rows(entry)
    assert (row["start"], row["end"]) == (edges[0] + 1, edges[3]) and row["length"] == len(joined)
