"""Recoding of genes: the DNA for a protein in the codons of a host."""

from __future__ import annotations

import math
import random
from collections import Counter
from typing import Annotated, Any, Literal

from pydantic import Field

from benchmate.runtime.errors import InternalError, InvalidInput
from benchmate.runtime.quantity import Quantity
from benchmate.tools.arguments import ReadBy, Spelled, Unit
from benchmate.tools.base import Making, Source, ToolResult, tool
from benchmate.tools.biology.codon_search import Choice, Limits, search
from benchmate.tools.biology.codon_usage import RARE, Usage, find_host, hosts_in, usage_in, usage_of
from benchmate.tools.biology.dna import codon_table, nucleotides
from benchmate.tools.biology.restriction import ENZYME_WORD, enzyme_named
from benchmate.tools.biology.sequences import AMINO_ACIDS, NUCLEOTIDE_CODES, Sequence
from benchmate.tools.files import DataFile

MOST_RESIDUES = 2000
MOST_MOTIFS = 40
LOCAL = 50  # bases of the window in which the GC content is reported where no window is asked for
_NOT_ENCODED = {
    "U": "selenocysteine, which a UGA codon encodes with a SECIS element alone", "O": "pyrrolysine, which few archaea encode",
    "B": "Asp or Asn", "Z": "Glu or Gln", "J": "Leu or Ile", "X": "any residue",
}  # fmt: skip


@tool(
    domain="biology",
    makes=Making(),
    properties={
        "codon_adaptation_index": "codon adaptation index, CAI",
        "given_codon_adaptation_index": "codon adaptation index of the given gene, CAI before, original CAI",
        "gene_gc": "GC content of the recoded gene, GC of the gene, overall GC",
        "lowest_window_gc": "lowest GC in a window, lowest local GC",
        "highest_window_gc": "highest GC in a window, highest local GC",
        "gene_length": "length of the gene, gene length, coding sequence length",
        "rare_codon_count": "number of rare codons, rare codons",
        "changed_codon_count": "number of changed codons, changed codons, codons changed",
    },
    examples=(
        "Optimize the codons of MKTAYIAKQRQISFVKSHFSRQ for E. coli",
        "Codon-optimize MSKGEELFTGVVPILVELDGDVNGHKFSVSGEG for human cells without BsaI and EcoRI sites",
        "Reverse translate MKTAYIAKQRQISFVKSHFSRQ for yeast",
        "Recode ATGAAGAGGAGGCTAATAAGA for E. coli: what is its CAI before and after?",
        "Which DNA encodes MGSSHHHHHHSSGLVPRGSH in mouse codons, with at most 60 % GC in 50 bases?",
        "back-translate MRRRKKKLLL with the codon usage of Bacillus subtilis",
    ),
    example={"sequence": "MKTAYIAKQRQISFVKSHFSRQLEERLGLIEVQ", "host": "E. coli", "avoid_enzymes": ["BsaI", "EcoRI"]},
    extra="bio",
    timeout=120,
)  # fmt: skip
def optimize_codons(
    sequence: Sequence,
    host: Annotated[str, Field(coerce_numbers_to_str=True), ReadBy(hosts_in)],
    method: Literal["most_frequent", "match_usage"] = "most_frequent",
    kind: Literal["protein", "coding_dna"] | None = None,
    stop: Literal["host", "TAA", "TAG", "TGA", "none"] = "host",
    avoid_enzymes: Annotated[list[str] | None, Field(max_length=MOST_MOTIFS), Spelled(ENZYME_WORD)] = None,
    avoid_motifs: Annotated[list[str] | None, Field(max_length=MOST_MOTIFS)] = None,
    longest_run: Annotated[int, Unit("", "longest run, homopolymer"), Field(ge=3, le=20)] = 6,
    gc_minimum: Annotated[float, Unit("percent", "minimum GC, lowest GC"), Field(ge=0, le=100)] = 0.0,
    gc_maximum: Annotated[float, Unit("percent", "maximum GC, highest GC"), Field(ge=0, le=100)] = 100.0,
    gc_window: Annotated[int, Unit("bp", "GC window, window"), Field(ge=20, le=500)] = LOCAL,
    usage_table: DataFile | None = None,
    lowest_share: Annotated[float, Unit("", "lowest share, rarest codon"), Field(ge=0, le=0.15)] = 0.0,
    genetic_code: Annotated[int, Unit("", "genetic code, translation table"), Field(ge=1, le=33)] = 1,
    seed: Annotated[int, Unit("", "seed"), Field(ge=0)] = 1,
) -> ToolResult:
    """Write the coding DNA of a protein, or recode a gene, in the codons of a host, without given restriction sites and runs.

    most_frequent gives the highest codon adaptation index (CAI) that the limits allow; match_usage draws codons in the host's
    proportions, by a seed. Sites count on either strand and across codons; what a vector adds at the ends is not seen. Usage is that of
    all genes of the host (Kazusa) unless a table is given, not of the highly expressed ones, and predicts expression poorly by itself. The DNA is in the
    standard code, and is translated back as a check.

    Raises InvalidInput: `unknown_host`, `unknown_enzyme`, `bad_motif`, `bad_range`, `ambiguous_sequence`, `unencodable_residues`,
    `internal_stop`, `bad_frame`, `ambiguous_bases`, `not_nucleotides`, `unknown_genetic_code`, `too_large`, `bad_file`, `no_solution`.

    Args:
        sequence: The protein, or the coding DNA or RNA of it in frame.
        host: The organism, such as E. coli, S. cerevisiae, human, mouse, or its NCBI taxid.
        method: most_frequent, or match_usage for the host's proportions.
        kind: What the letters are, where they could be either.
        stop: The stop codon: the host's most used one, a given one, or none.
        avoid_enzymes: Restriction enzymes whose sites must not occur.
        avoid_motifs: Motifs of IUPAC codes that must not occur on either strand.
        longest_run: The longest run of one base.
        gc_minimum: Lowest GC content in every window.
        gc_maximum: Highest GC content in every window.
        gc_window: Length of the window.
        usage_table: A codon usage table for another host, or of highly expressed genes: a file with a codon and its count in each line.
        lowest_share: Codons with a smaller share among those of their amino acid are not used.
        genetic_code: The NCBI table by which a given coding DNA is read.
        seed: Fixes the draws of match_usage.
    """
    usage = usage_of(find_host(host)) if usage_table is None else usage_in(usage_table, host)
    limits = _limits(avoid_enzymes, avoid_motifs, longest_run, gc_minimum, gc_maximum, gc_window)
    protein, given, notes = _read(sequence, kind, genetic_code)
    residues = protein if stop == "none" else protein + "*"
    places = _places(residues, usage, method, stop, lowest_share, seed)
    dna, exhaustive = search(places, limits)
    _check(dna, residues, avoid_enzymes)
    if not exhaustive:
        notes.append(
            "with limits of GC or long motifs the search is not exhaustive: a sequence of slightly higher score may exist"
        )
    if not protein.startswith("M"):
        notes.append(
            f"the protein begins with {protein[0]}, not Met: put ATG before it to have it expressed by itself"
        )
    pairs = _pairs(residues, dna)
    window = min(gc_window, len(dna))
    local = [_gc(dna[i : i + window]) for i in range(len(dna) - window + 1)]
    source_of_w = "all genes" if usage_table is None else "the table given"
    index = f"geometric mean of relative adaptiveness (Sharp and Li 1987) from the usage of {source_of_w}; Met, Trp and stops left out"
    conditions = {"codon usage": usage.label, "method": method} | (
        {"seed": str(seed)} if method == "match_usage" else {}
    )
    quantities = {
        "gene_length": Quantity(value=len(dna), unit="bp", property="gene_length", method="with the stop codon" if stop != "none" else "without a stop codon"),
        "gene_gc": Quantity(value=_gc(dna), unit="percent", property="gene_gc", method="(G + C) / length"),
        "lowest_window_gc": Quantity(value=min(local), unit="percent", property="lowest_window_gc", method=f"windows of {window} bp"),
        "highest_window_gc": Quantity(value=max(local), unit="percent", property="highest_window_gc", method=f"windows of {window} bp"),
        "rare_codon_count": Quantity(value=_rare(pairs, usage), property="rare_codon_count", method=f"codons with a share below {RARE:g} of their amino acid's", conditions={"codon usage": usage.label}),
    }  # fmt: skip
    if (cai := usage.cai(pairs)) is None:
        notes.append("there is no codon adaptation index: no residue has a choice of codons")
    else:
        quantities["codon_adaptation_index"] = Quantity(value=cai, property="codon_adaptation_index", method=index, conditions=conditions, decimals=3)  # fmt: skip
    if given:
        before = _pairs(protein, given)
        if (was := usage.cai(before)) is not None and genetic_code == 1:
            quantities["given_codon_adaptation_index"] = Quantity(value=was, property="given_codon_adaptation_index", method=index, conditions={"codon usage": usage.label}, decimals=3)  # fmt: skip
        changed = sum(a != b for a, b in zip(before, pairs, strict=False))
        quantities["changed_codon_count"] = Quantity(value=changed, property="changed_codon_count", method=f"of {len(before)} codons, the stop left out")  # fmt: skip
    return ToolResult(
        data={
            "dna": dna, "protein": protein, "method": method, "seed": seed if method == "match_usage" else None,
            "host": {"species": usage.species, "taxid": usage.taxid, "table": usage.table}, "avoided": limits.motifs,
            "longest_run": longest_run, "usage": _usage_rows(pairs, usage),
        },
        quantities=quantities,
        source=_source(usage),
        warnings=tuple([*sequence.warnings, *notes]),
    )  # fmt: skip


def _limits(
    enzymes: list[str] | None,
    motifs: list[str] | None,
    longest_run: int,
    low: float,
    high: float,
    window: int,
) -> Limits:
    if low > high:
        raise InvalidInput("bad_range", f"the lowest GC, {low:g} %, is above the highest, {high:g} %")
    wanted: dict[str, str] = {}
    for name in enzymes or ():
        enzyme = enzyme_named(name)
        wanted[str(enzyme)] = str(enzyme.site)
    for motif in motifs or ():
        letters = motif.strip().upper().replace("U", "T")
        if not 3 <= len(letters) <= 20 or not set(letters) <= set(NUCLEOTIDE_CODES):
            raise InvalidInput("bad_motif", f"{motif!r} is no motif of 3 to 20 bases", hint="use IUPAC codes, as in AATAAA or GGNCC; enzymes go into avoid_enzymes")  # fmt: skip
        wanted[letters] = letters
    for name, site in wanted.items():
        if not set(site) <= set(NUCLEOTIDE_CODES) or set(site) == {"N"}:
            raise InvalidInput("bad_motif", f"{name} has no defined recognition site")
    return Limits(wanted, longest_run, (low / 100, high / 100) if (low, high) != (0, 100) else None, window)


def _read(sequence: Sequence, kind: str | None, genetic_code: int) -> tuple[str, str | None, list[str]]:
    """Return the protein, the given coding DNA without its stop or None, and what has to be said."""
    if kind is None:
        if sequence.alphabet == "ambiguous" and set(sequence.sequence) <= set("ACGTUN"):
            raise InvalidInput("ambiguous_sequence", f"{sequence.label} could be a protein or DNA", hint="say kind: protein or coding_dna")  # fmt: skip
        kind = "coding_dna" if sequence.alphabet in ("dna", "rna") else "protein"
    given: str | None = None
    notes: list[str] = []
    if kind == "protein":
        protein = sequence.sequence
    else:
        letters, notes = nucleotides(sequence)
        given, protein, said = _translated(letters, genetic_code)
        notes = [*notes, *said]
    if len(protein) > MOST_RESIDUES:
        raise InvalidInput("too_large", f"{len(protein)} residues are more than {MOST_RESIDUES}", hint="recode it domain by domain")  # fmt: skip
    for at, residue in enumerate(protein, 1):
        if residue == "*":
            raise InvalidInput("internal_stop", f"a stop stands at position {at} of {len(protein)}", hint="give one chain in frame", details={"position": at})  # fmt: skip
        if residue not in AMINO_ACIDS:
            raise InvalidInput("unencodable_residues", f"{residue!r} at position {at} is {_NOT_ENCODED[residue]}", hint="give one of the 20 amino acids there", details={"position": at, "letter": residue})  # fmt: skip
    return protein, given, notes


def _translated(letters: str, genetic_code: int) -> tuple[str, str, list[str]]:
    code = codon_table(genetic_code)
    if wrong := next((i for i, letter in enumerate(letters, 1) if letter not in "ACGT"), 0):
        raise InvalidInput("ambiguous_bases", f"{letters[wrong - 1]!r} at position {wrong} is no single base", details={"position": wrong})  # fmt: skip
    if len(letters) % 3:
        raise InvalidInput("bad_frame", f"{len(letters)} bases are no whole number of codons", hint="give the coding sequence from its start codon, in frame")  # fmt: skip
    protein = code.translate(letters)
    notes: list[str] = []
    if protein.endswith("*"):
        letters, protein = letters[:-3], protein[:-1]
        notes.append("the stop codon of the given gene was replaced")
    if not protein:
        raise InvalidInput("internal_stop", "the given gene is a stop codon alone")
    from Bio.Data.CodonTable import unambiguous_dna_by_id

    if letters[:3] != "ATG" and letters[:3] in unambiguous_dna_by_id[genetic_code].start_codons:
        notes.append(f"the first codon, {letters[:3]}, was read as {protein[0]}; where it starts translation it means Met: write ATG")  # fmt: skip
    return letters, protein, notes


def _places(
    residues: str, usage: Usage, method: str, stop: str, lowest: float, seed: int
) -> list[list[Choice]]:
    """Return the codons for each residue with their scores.

    The scores are ln w, or ln share + Gumbel noise: the highest of these is a draw in proportion to the shares (Gumbel-max).
    """
    rng = random.Random(seed)
    places = []
    for residue in residues:
        if residue == "*" and stop != "host":
            places.append([Choice(stop, 0.0)])
            continue
        shares = {codon: share for codon, share in sorted(usage.shares[residue].items()) if share > 0}
        top = max(shares.values())
        choices = []
        for codon, share in shares.items():
            noise = rng.expovariate(1.0)  # drawn for every codon, so that a limit changes no other place
            if residue != "*" and share < lowest:
                continue
            sampled = method == "match_usage" and residue != "*"
            choices.append(
                Choice(codon, math.log(share) - math.log(noise) if sampled else math.log(share / top))
            )
        places.append(choices)
    return places


def _check(dna: str, residues: str, enzymes: list[str] | None) -> None:
    """Raise InternalError unless the DNA encodes the residues and is not cut, by Biopython's translation and its search for sites."""
    from Bio.Restriction import RestrictionBatch  # type: ignore[attr-defined]
    from Bio.Seq import Seq

    if str(Seq(dna).translate(table=1)) != residues:
        raise InternalError("wrong_translation", "the sequence that was found does not encode the protein")
    batch = RestrictionBatch([enzyme_named(name) for name in enzymes or ()])
    if cut := [str(enzyme) for enzyme, sites in batch.search(Seq(dna)).items() if sites]:
        raise InternalError("site_left", f"the sequence that was found is cut by {', '.join(cut)}")


def _pairs(residues: str, dna: str) -> list[tuple[str, str]]:
    return [(residue, dna[3 * i : 3 * i + 3]) for i, residue in enumerate(residues)]


def _rare(pairs: list[tuple[str, str]], usage: Usage) -> int:
    return sum(r != "*" and usage.shares[r][codon] < RARE for r, codon in pairs)


def _gc(dna: str) -> float:
    return 100 * (dna.count("G") + dna.count("C")) / len(dna)


def _usage_rows(pairs: list[tuple[str, str]], usage: Usage) -> list[dict[str, Any]]:
    """Return, for each codon of the residues that occur, how often it is used here and its share in the host."""
    used = Counter(pairs)
    return [
        {"residue": residue, "codon": codon, "count": used[residue, codon], "host_share": share}
        for residue in sorted({r for r, _ in pairs})
        for codon, share in sorted(usage.shares[residue].items(), key=lambda item: (-item[1], item[0]))
    ]


def _source(usage: Usage) -> Source:
    from importlib.metadata import version

    if usage.taxid is None:
        return Source(kind="table", name=f"codon usage of {usage.table}, as given")

    return Source(
        kind="table", name=f"codon usage of Kazusa, python-codon-tables {version('python-codon-tables')}", reference="doi:10.1093/nar/28.1.292"
    )  # fmt: skip
