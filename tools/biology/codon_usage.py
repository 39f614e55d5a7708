"""Codon usage of hosts: which tables there are, how hosts are named, and the codon adaptation index."""

from __future__ import annotations

import math
import re
from dataclasses import dataclass
from difflib import SequenceMatcher
from typing import Any, NamedTuple

from benchmate.runtime.errors import InvalidInput, nearest
from benchmate.tools.files import DataFile

RARE = 0.1  # share of an amino acid's codons below which a codon counts as rare
_ALIKE = 0.7  # share of letters in common from which a misspelt name is guessed
_KAZUSA = re.compile(
    r"([ACGTU]{3})\s+(?:[A-Z*]\s+\d*\.\d+\s+)?\d*\.?\d+\s*\(\s*(\d+)\s*\)"
)  # as in UUU 17.6(714298)
_NEVER_SEEN = 0.01  # relative adaptiveness of a codon whose share is rounded to nought


class Host(NamedTuple):
    """An organism whose codon usage is known: the table of python-codon-tables, the species, the NCBI taxon, other names."""

    table: str
    species: str
    taxid: int
    names: tuple[str, ...]


class Missing(NamedTuple):
    """An expression host without a table: the species, the taxon, names, and the table that comes nearest."""

    species: str
    taxid: int
    names: tuple[str, ...]
    near: str


HOSTS = (
    Host("e_coli_316407", "Escherichia coli W3110", 316407, ("E. coli", "Escherichia coli", "K-12", "BL21", "MG1655", "W3110")),
    Host("b_subtilis_1423", "Bacillus subtilis", 1423, ("B. subtilis",)),
    Host("s_cerevisiae_4932", "Saccharomyces cerevisiae", 4932, ("S. cerevisiae", "yeast", "baker's yeast", "budding yeast")),
    Host("c_elegans_6239", "Caenorhabditis elegans", 6239, ("C. elegans", "worm", "nematode")),
    Host("d_melanogaster_7227", "Drosophila melanogaster", 7227, ("D. melanogaster", "Drosophila", "fruit fly", "S2")),
    Host("g_gallus_9031", "Gallus gallus", 9031, ("G. gallus", "chicken")),
    Host("m_musculus_domesticus_10092", "Mus musculus domesticus", 10092, ("M. musculus domesticus",)),
    Host("m_musculus_10090", "Mus musculus", 10090, ("M. musculus", "mouse", "NS0", "NIH 3T3")),
    Host("h_sapiens_9606", "Homo sapiens", 9606, ("H. sapiens", "human", "HEK293", "Expi293", "HeLa")),
)  # fmt: skip
MISSING = (
    Missing("Cricetulus griseus", 10029, ("C. griseus", "CHO", "CHO-K1", "CHO cells", "Chinese hamster", "hamster"), "mouse"),
    Missing("Rattus norvegicus", 10116, ("R. norvegicus", "rat"), "mouse"),
    Missing("Spodoptera frugiperda", 7108, ("S. frugiperda", "Sf9", "Sf21", "insect", "insect cells", "baculovirus"), "D. melanogaster"),
    Missing("Trichoplusia ni", 7111, ("T. ni", "High Five", "Hi5"), "D. melanogaster"),
    Missing("Komagataella phaffii", 460519, ("K. phaffii", "Pichia pastoris", "P. pastoris", "Pichia", "Komagataella"), "S. cerevisiae"),
)  # fmt: skip


@dataclass(frozen=True)
class Usage:
    """How often a host uses each codon: its share among the codons of its amino acid (`*` for stops)."""

    species: str
    taxid: int | None
    table: str
    label: str
    shares: dict[str, dict[str, float]]

    def adaptiveness(self, residue: str, codon: str) -> float:
        """Return w, the share of a codon over that of the most used one of its amino acid; at least 0.01."""
        shares = self.shares[residue]
        return max(shares[codon] / max(shares.values()), _NEVER_SEEN)

    def cai(self, pairs: list[tuple[str, str]]) -> float | None:
        """Return the codon adaptation index of (residue, codon) pairs, or None where no residue has a choice.

        The geometric mean of w; Met, Trp and stops are left out (Sharp and Li 1987, doi:10.1093/nar/15.3.1281).
        """
        logs = [math.log(self.adaptiveness(r, c)) for r, c in pairs if r != "*" and len(self.shares[r]) > 1]
        return math.exp(math.fsum(logs) / len(logs)) if logs else None


def find_host(name: str) -> Host:
    """Return the host that is meant by a species, also with a strain, an everyday name, a taxid or a table's name.

    Raises InvalidInput (`unknown_host`) with the nearest host that has a table.
    """
    wanted = _plain(name)
    for host in HOSTS:
        species = [n for n in (host.species, *host.names) if " " in n and n[0].isupper()]
        if wanted in _names(host) or any(wanted.startswith(_plain(n)) for n in species):
            return host
    known = ", ".join(f"{host.names[0]} ({host.taxid})" for host in HOSTS)
    for missing in MISSING:
        if wanted in (str(missing.taxid), *map(_plain, (missing.species, *missing.names))):
            raise InvalidInput(
                "unknown_host", f"there is no codon usage table for {missing.species} (taxid {missing.taxid})",
                hint=f"the nearest is {missing.near}, whose usage differs; or give a table of its own as usage_table; known: {known}",
                details={"host": name, "taxid": missing.taxid, "nearest": missing.near},
            )  # fmt: skip
    spelled = {spelling: host.names[0] for host in HOSTS for spelling in _names(host)}
    close = nearest(wanted, spelled)
    alike = close is not None and SequenceMatcher(None, wanted, close).ratio() >= _ALIKE
    raise InvalidInput(
        "unknown_host", f"there is no codon usage table for the host {name!r}",
        hint=f"did you mean {spelled[close]}? known: {known}" if close and alike else f"known: {known}", details={"host": name},
    )  # fmt: skip


def hosts_in(question: str) -> list[Any]:
    """Return the hosts that a question names, in the words it uses, the longest first."""
    names = {n for host in HOSTS for n in (host.species, *host.names)}
    found = [n for n in names if re.search(rf"(?<!\w){re.escape(n)}(?!\w)", question, re.I)]
    return sorted(found, key=lambda n: (-len(n), n))[:1]


def usage_of(host: Host) -> Usage:
    """Return the host's codon usage (Nakamura et al. 2000, doi:10.1093/nar/28.1.292), read from the installed package alone."""
    from python_codon_tables import get_codons_table

    label = f"Kazusa, {host.species}, taxid {host.taxid}, all its coding sequences"
    return Usage(host.species, host.taxid, host.table, label, get_codons_table(host.table))


def usage_in(file: DataFile, host: str) -> Usage:
    """Return the usage in a file: a text of Kazusa's, or lines with a codon and, as their last number, its count or frequency.

    Raises InvalidInput (`bad_file`) where a codon is missing or given twice, or an amino acid has no count.
    """
    from benchmate.tools.biology.dna import codon_table

    text = file.text().upper()
    found = [(codon, float(count)) for codon, count in _KAZUSA.findall(text)]
    if not found:
        for line in text.splitlines():
            cells = [cell for cell in re.split(r"[\s,;|\"']+", line) if cell]
            codons = [cell for cell in cells if re.fullmatch(r"[ACGTU]{3}", cell)]
            numbers = [cell for cell in cells if re.fullmatch(r"\d*\.?\d+(?:E[-+]?\d+)?", cell)]
            if len(codons) == 1 and numbers:
                found.append((codons[0], float(numbers[-1])))
    counts: dict[str, float] = {}
    for codon, count in ((codon.replace("U", "T"), count) for codon, count in found):
        if codon in counts:
            raise file.bad(f"holds {codon} twice", hint="give one table, for the standard code")
        counts[codon] = count
    meaning = codon_table(1).codons
    if missing := sorted(set(meaning) - set(counts)):
        raise file.bad(
            f"lacks {len(missing)} of 64 codons: {', '.join(missing[:5])}{', …' if len(missing) > 5 else ''}",
            hint="a line for each codon, stops too: the codon and its count, as in GCA,1200",
        )
    shares: dict[str, dict[str, float]] = {}
    for residue in sorted(set(meaning.values())):
        own = {codon: counts[codon] for codon in sorted(meaning) if meaning[codon] == residue}
        if not (total := sum(own.values())):
            raise file.bad(f"holds no count for the codons of {residue}")
        shares[residue] = {codon: count / total for codon, count in own.items()}
    return Usage(host, None, file.name, f"{file.name}, {host}", shares)


def _plain(name: str) -> str:
    return "".join(c for c in name.lower() if c.isalnum())


def _names(host: Host) -> tuple[str, ...]:
    return (*map(_plain, (host.species, host.table, *host.names)), str(host.taxid))
