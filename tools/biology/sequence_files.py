"""Sequence files as a call: what they hold, how long it is, and one feature with its translation."""

from __future__ import annotations

import csv
import io
import re
from typing import Annotated, Any, Literal

from pydantic import Field

from benchmate.runtime.errors import InvalidInput, NotFound, did_you_mean
from benchmate.runtime.quantity import Quantity
from benchmate.tools.arguments import ReadBy, Unit
from benchmate.tools.base import Source, ToolContext, ToolResult, tool
from benchmate.tools.biology.sequence_features import extract, feature_rows, find_feature, unplaced
from benchmate.tools.biology.sequence_qualities import Encoding, summarize_qualities
from benchmate.tools.biology.sequence_records import Entry, SequenceFile, read_sequence_file
from benchmate.tools.file_kinds import SEQUENCES
from benchmate.tools.files import DataFile

SHOWN_RECORDS, SHOWN_FEATURES = 200, 500
SHOWN_LETTERS = 20_000  # of the sequences in the data, all together; one record or feature that is asked for is shown up to
SHOWN_ONE = 300_000
_COLUMNS = ("record", "type", "name", "location", "start", "end", "strand", "length", "gene", "locus_tag", "product", "protein_id")  # fmt: skip


# feature keys that people name; the INSDC feature table has more
_FEATURE_TYPE = re.compile(
    r"\b(CDS|gene|mRNA|tRNA|rRNA|ncRNA|exon|intron|promoter|terminator|rep_origin|misc_feature|primer_bind|sig_peptide|mat_peptide|"
    r"repeat_region)s?(?:\s+(?:features?|annotations?|entries))\b",
    re.I,
)


def feature_types_in(question: str) -> list[Any]:
    """Return the feature types that a question names as such: 'the CDS features', 'tRNA annotations'."""
    kept = {"cds": "CDS", "mrna": "mRNA", "trna": "tRNA", "rrna": "rRNA", "ncrna": "ncRNA"}
    return [kept.get(m[1].lower(), m[1].lower()) for m in _FEATURE_TYPE.finditer(question)]


@tool(
    domain="biology",
    files=SEQUENCES,
    properties={
        "record_count": "number of records, records, how many sequences, number of sequences, how many reads, number of reads",
        "total_length": "total length of the sequences, total length, total bases, total residues",
        "mean_length": "mean length of the sequences, mean length, average length, mean read length",
        "longest_length": "length of the longest sequence, longest sequence, longest record, longest contig",
        "shortest_length": "length of the shortest sequence, shortest sequence, shortest record",
        "n50": "N50, N50 length",
        "gc_content": "GC content of the file, GC content, GC percent, G+C",
        "feature_count": "number of features, features, annotations, how many genes",
        "feature_length": "length of the feature, feature length, gene length",
        "protein_length": "length of the encoded protein, protein length, length of the product",
        "mean_quality": "mean quality of the reads, mean quality, average quality, Phred score, quality scores",
        "expected_errors": "expected errors per read, expected errors, sequencing errors",
        "q20_percentage": "share of bases at Q20, Q20",
        "q30_percentage": "share of bases at Q30, Q30",
    },
    examples=(
        "What is in plasmid.gb?",
        "List the features of construct.gbk",
        "Extract the bla gene from pUC19.gb and translate it",
        "N50 and total length of contigs.fasta",
        "Quality summary of reads.fastq",
        "Is the plasmid in vector.gb circular, and how long is it?",
        "How many sequences are in proteins.faa?",
        "sequence of the CDS kin2 in sample:cold-genes",
    ),
    example={"file": "sample:cold-genes", "record": "X62281", "feature": "kin2"},
    timeout=180,
)
def read_sequences(
    file: DataFile,
    context: ToolContext,
    record: str | None = None,
    feature: str | None = None,
    feature_type: Annotated[str | None, ReadBy(feature_types_in)] = None,
    molecule: Literal["dna", "rna", "protein"] | None = None,
    genetic_code: Annotated[
        int | None, Unit("", "genetic code, translation table"), Field(ge=1, le=33)
    ] = None,
    quality_encoding: Encoding = "phred33",
) -> ToolResult:
    """Read a GenBank, EMBL, FASTA, FASTQ or SnapGene file: records, topology, organism, features, lengths, N50, GC, qualities.

    Positions are 1-based and both ends are included, as in GenBank; a feature across the origin of a circle starts behind its end. A
    feature is given 5' to 3' on its own strand, its parts joined; a CDS is translated by the code that the record names, an
    alternative start codon as Met, and compared with the translation that the record carries. The format is known by the content, and
    gzip is opened. A FASTA record is linear unless its header says topology=circular. GC content is (G + C + S) over determined bases.
    N50: records of this length or longer hold half of all letters.

    Raises InvalidInput: `bad_file`, `empty_file`, `invalid_sequence`, `too_large`, `several_features`, `several_records`,
    `no_sequence`, `remote_location`, `unknown_genetic_code`, `bad_encoding`, `not_annotated`; NotFound: `unknown_record`,
    `unknown_feature`.

    Args:
        file: The file: .gb, .gbk, .embl, .fasta, .fa, .faa, .fastq, .fq, .dna (SnapGene), or one of them as .gz.
        record: The id, accession or name of one record; by default all.
        feature: A gene, locus tag, label, product or protein id whose sequence is wanted.
        feature_type: Only features of this type: CDS, gene, tRNA, promoter.
        molecule: What a FASTA or FASTQ file holds, where its letters do not decide.
        genetic_code: The NCBI translation table for a CDS; by default what the record says, else 1.
        quality_encoding: phred33 (Sanger, Illumina 1.8 and later) or phred64 (Illumina 1.3 to 1.7).
    """
    read = read_sequence_file(file, molecule)
    entries = [_record(read, record)] if record is not None else read.entries
    notes = list(read.notes)
    quantities: dict[str, Quantity] = {}
    data: dict[str, Any] = {
        "format": read.format_name, "coordinates": "1-based, both ends included", "records": _shown(entries, alone=record is not None),
    }  # fmt: skip
    if feature is None:
        quantities |= _lengths(entries)
    if len(entries) > SHOWN_RECORDS:
        notes.append(f"the first {SHOWN_RECORDS} of {len(entries)} records are listed; quantities count all")
    if read.format == "fastq":
        qualities, said = summarize_qualities(entries, quality_encoding)
        quantities |= qualities
        notes += said
    artifacts = []
    if feature is not None:
        quantities |= _one_feature(entries, feature, feature_type, genetic_code, read, data, notes)
    elif any(entry.record is not None for entry in entries):
        rows = _features(entries, feature_type)
        quantities["feature_count"] = Quantity(
            value=len(rows), property="feature_count", method="features of the table, `source` left out" if feature_type is None else f"of the type {feature_type}",
        )  # fmt: skip
        data["features"] = rows[:SHOWN_FEATURES]
        if lost := sum(unplaced(entry) for entry in entries):
            notes.append(f"{lost} features have a location that cannot be read, and are left out")
        if len(rows) > SHOWN_FEATURES:
            notes.append(
                f"the first {SHOWN_FEATURES} of {len(rows)} features are listed; features.csv holds all"
            )
            artifacts.append(context.save("features.csv", "text/csv", _table(rows)))
    elif feature_type is not None:
        raise _not_annotated(read)
    return ToolResult(
        data=data, quantities=quantities, source=_source(), warnings=tuple(notes), artifacts=tuple(artifacts)
    )


def _record(read: SequenceFile, wanted: str) -> Entry:
    """Return the record of that id, with or without its version, or of that LOCUS name. Raises NotFound, InvalidInput."""
    name = wanted.strip()
    for names in (lambda e: {e.id}, lambda e: {e.id.rpartition(".")[0], e.annotations.get("locus")}):
        found = [entry for entry in read.entries if name in names(entry)]
        if len(found) == 1:
            return found[0]
        if found:
            raise InvalidInput("several_records", f"{len(found)} records are called {name!r}")
    ids = [entry.id for entry in read.entries]
    raise NotFound("unknown_record", f"no record is called {name!r}", hint=did_you_mean(name, ids[:2000]) if len(ids) > 10 else f"there are {', '.join(ids)}")  # fmt: skip


def _one_feature(
    entries: list[Entry],
    name: str,
    kind: str | None,
    genetic_code: int | None,
    read: SequenceFile,
    data: dict[str, Any],
    notes: list[str],
) -> dict[str, Quantity]:
    if all(entry.record is None for entry in entries):
        raise _not_annotated(read)
    entry, feature = find_feature(entries, name, kind)
    found = extract(entry, feature, genetic_code)
    notes += found.notes
    row = {"record": entry.id, **found.row}
    if len(found.letters) <= SHOWN_ONE:
        row["sequence"] = found.letters
    else:
        notes.append(f"the sequence is longer than {SHOWN_ONE} letters and not shown")
    about = {"feature": name, "record": entry.id, "location": found.row["location"]}
    quantities = {
        "feature_length": Quantity(
            value=len(found.letters), unit="aa" if entry.molecule == "protein" else "bp" if entry.molecule == "dna" else "nt",
            property="feature_length", method="all parts joined", conditions=about,
        )
    }  # fmt: skip
    if found.protein is not None:
        row |= {"translation": found.protein, "genetic_code": found.genetic_code}
        if found.agrees is not None:
            row["agrees_with_the_record"] = found.agrees
        if found.agrees is False:
            row["translation_of_the_record"] = feature.qualifiers["translation"][0]
        quantities["protein_length"] = Quantity(
            value=len(found.protein.replace("*", "")), unit="aa", property="protein_length",
            method=f"NCBI genetic code {found.genetic_code}, without the stop", conditions=about,
        )  # fmt: skip
    elif entry.nucleic:
        notes.append(
            f"a {found.row['type']} is not translated; translate_sequence does it in a frame of yours"
        )
    data |= {"feature": row, "records": _shown([entry], alone=False)}
    return quantities


def _not_annotated(read: SequenceFile) -> InvalidInput:
    return InvalidInput(
        "not_annotated", f"a {read.format_name} file has no features", hint="give the GenBank or EMBL file"
    )


def _features(entries: list[Entry], kind: str | None) -> list[dict[str, Any]]:
    rows = [{"record": entry.id, **row} for entry in entries for row in feature_rows(entry)]
    if kind is None:
        return [row for row in rows if row["type"] != "source"]
    chosen = [row for row in rows if row["type"].lower() == kind.lower()]
    if not chosen:
        known = {row["type"] for row in rows}
        raise NotFound(
            "unknown_feature", f"there is no feature of the type {kind}", hint=did_you_mean(kind, known)
        )
    return chosen


def _table(rows: list[dict[str, Any]]) -> bytes:
    text = io.StringIO()
    writer = csv.DictWriter(text, _COLUMNS, extrasaction="ignore", lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()


def _shown(entries: list[Entry], *, alone: bool) -> list[dict[str, Any]]:
    left = SHOWN_ONE if alone else SHOWN_LETTERS
    rows = []
    for entry in entries[:SHOWN_RECORDS]:
        row: dict[str, Any] = {
            "id": entry.id, "description": entry.description[:300], "length": entry.length, "molecule": entry.molecule,
        }  # fmt: skip
        if entry.molecule != "protein":
            row |= {
                "topology": "circular" if entry.circular else "linear",
                "topology_stated": entry.topology_stated,
            }
        row |= {key: value for key, value in _told(entry).items() if value}
        if entry.letters is not None and entry.length <= left:
            row["sequence"] = entry.letters
            left -= entry.length
        rows.append(row)
    return rows


def _told(entry: Entry) -> dict[str, Any]:
    said = entry.annotations
    if entry.record is None:
        return {}
    taxon = None
    for feature in entry.record.features:
        if feature.type == "source":
            marks = [str(mark) for mark in feature.qualifiers.get("db_xref", ())]
            taxon = next((m.removeprefix("taxon:") for m in marks if m.startswith("taxon:")), None)
            break
    return {
        "molecule_type": entry.molecule_stated, "locus": said.get("locus"), "version": said.get("sequence_version"),
        "organism": said.get("organism"), "taxonomy": list(said.get("taxonomy", ())), "taxon_id": taxon, "date": str(said.get("date") or ""),
        "division": said.get("data_file_division"), "feature_count": sum(f.type != "source" for f in entry.record.features),
    }  # fmt: skip


def _lengths(entries: list[Entry]) -> dict[str, Quantity]:
    lengths = sorted((entry.length for entry in entries), reverse=True)
    kinds = {entry.molecule for entry in entries}
    unit = (
        "aa"
        if kinds == {"protein"}
        else "bp"
        if kinds == {"dna"}
        else "nt"
        if kinds <= {"dna", "rna"}
        else ""
    )
    total = sum(lengths)
    result = {
        "record_count": Quantity(value=len(entries), property="record_count", method="records of the file"),
        "total_length": Quantity(value=total, unit=unit, property="total_length", method="sum over the records"),
    }  # fmt: skip
    if len(entries) > 1:
        for name, value in (("longest_length", lengths[0]), ("shortest_length", lengths[-1]), ("mean_length", total / len(lengths))):  # fmt: skip
            result[name] = Quantity(value=value, unit=unit, property=name, method="over the records")
        if kinds <= {"dna", "rna"} and total:
            result["n50"] = Quantity(
                value=_n50(lengths, total), unit=unit, property="n50", method="records of this length or longer hold half of all letters",
            )  # fmt: skip
    if kinds <= {"dna", "rna"} and (gc := _gc(entries)) is not None:
        result["gc_content"] = gc
    return result


def _n50(lengths: list[int], total: int) -> int:
    held = 0
    for length in lengths:
        held += length
        if 2 * held >= total:
            return length
    return 0


def _gc(entries: list[Entry]) -> Quantity | None:
    """Return the GC content over all records with a sequence, or None where no base is determined."""
    strong = weak = letters = 0
    for entry in entries:
        text = entry.letters or ""
        strong += sum(text.count(letter) for letter in "GCS")
        weak += sum(text.count(letter) for letter in "ATUW")
        letters += len(text)
    if not strong + weak:
        return None
    left_out = letters - strong - weak
    return Quantity(
        value=100 * strong / (strong + weak), unit="percent", property="gc_content", method="(G + C + S) / (A + C + G + T + U + S + W)",
        conditions={"ambiguous bases": f"{left_out} left out"} if left_out else None,
    )  # fmt: skip


def _source() -> Source:
    import Bio

    return Source(
        kind="computed", name=f"Biopython {Bio.__version__} SeqIO", reference="Cock et al. 2009, Bioinformatics 25:1422; INSDC feature table 11.3",
    )  # fmt: skip
