"""The offline table of compound names: 76,500 compounds with 900,000 names, from the `chemicals` package.

`chemicals.search_chemical` always finds something: a formula gives one of its isomers, a name shared by several
compounds gives the one loaded last. Here a name finds every compound that carries exactly this name, and the
caller sees when there are several. The index holds a hash per name; the names stay in the mapped files.
"""

from __future__ import annotations

import bisect
import difflib
import functools
import itertools
import mmap
import re
import unicodedata
from array import array
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from importlib import resources, util
from pathlib import Path
from typing import Any

from benchmate.runtime.errors import hints_wanted

# (file, trust): where a name is only a synonym, curated files outrank the large dump of PubChem.
FILES = (
    ("chemical identifiers pubchem large.tsv", 0),
    ("Cation db.tsv", 0),
    ("Anion db.tsv", 0),
    ("chemical identifiers pubchem small.tsv", 1),
    ("chemical identifiers example user db.tsv", 1),
    ("Inorganic db.tsv", 1),
)
# Columns: CID, CAS, formula, mass, SMILES, InChI, InChIKey, then the names: IUPAC, common, synonyms.
FIRST_NAME = 7
SPELLINGS = {"aluminium": "aluminum", "caesium": "cesium", "sulphur": "sulfur"}
LONGEST_NAME = 5  # words
_GREEK = (
    "alpha beta gamma delta epsilon zeta eta theta iota kappa lambda mu nu xi omicron pi rho sigma sigma tau "
    "upsilon phi chi psi omega"
)
_FOLD = {0x3B1 + i: name for i, name in enumerate(_GREEK.split())} | {
    ord(sign): plain for signs, plain in (("‐‑‒–—−", "-"), ("′‘’ʹ", "'"), ("″“”", '"')) for sign in signs
}
_WORD = re.compile(r"[^\s/;|]+")
_CAS = re.compile(r"\d{2,7}-\d\d-\d")
_OF_A_MOLECULE = re.compile(r"[\s-]+(?:atom|bond|donor|acceptor|count)(?:s|ing)?\b", re.IGNORECASE)
_POINTS = ".,:;!?\"'“”‘’<>*_`…"
_BRACKETS = "()[]{}"


@dataclass(frozen=True, slots=True)
class KnownCompound:
    """One row of the table."""

    smiles: str
    inchi: str
    inchikey: str
    formula: str
    cas: str | None
    names: tuple[str, ...]
    trust: int

    @property
    def name(self) -> str:
        """The common name."""
        return self.names[1] if len(self.names) > 1 else self.names[0]

    def position(self, name: str) -> int | None:
        """Return where `name` stands: 0 IUPAC, 1 common, then synonyms by relevance; None if it is not there."""
        wanted = fold(name)
        return next((i for i, known in enumerate(self.names) if fold(known) == wanted), None)


def fold(name: str) -> str:
    """Return a name without what does not tell names apart: case, Greek letters, kinds of dashes, spaces."""
    if not name.isascii():
        name = unicodedata.normalize("NFKC", name).lower().translate(_FOLD)
    return " ".join(name.lower().split())


class NameTable:
    """The names, InChIKeys and CAS numbers of the table, each leading to its rows. Use `name_table()`."""

    def __init__(self) -> None:
        import numpy as np

        keys, rows, starts, files = array("q"), array("q"), array("q"), array("b")
        folder = _folder()
        self._maps: list[mmap.mmap] = []
        for number, (file, _) in enumerate(FILES):
            with open(folder / file, "rb") as stream:
                self._maps.append(mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ))
                offset = 0
                for line in stream:
                    fields = _folded_fields(line)
                    found = [
                        *map(hash, fields[FIRST_NAME:]),
                        hash(b"cas=" + fields[1]),
                        hash(b"key=" + fields[6]),
                    ]
                    keys.extend(found)
                    rows.extend([len(starts)] * len(found))
                    starts.append(offset)
                    files.append(number)
                    offset += len(line)
        order = np.argsort(np.frombuffer(keys, dtype=np.int64), kind="stable")
        self._keys: Any = np.frombuffer(keys, dtype=np.int64)[order]
        self._rows: Any = np.frombuffer(rows, dtype=np.int64)[order].astype(np.int32)
        self._starts, self._files = starts, files
        self._elements = _elements()

    def by_name(self, name: str) -> list[KnownCompound]:
        """Return every compound that carries this name, however written (case, Greek letters, dashes)."""
        folded = SPELLINGS.get(fold(name), fold(name))
        if folded in self._elements:
            return [self._elements[folded]]
        return [known for known in self._rows_of(folded.encode()) if known.position(folded) is not None]

    def by_inchikey(self, inchikey: str) -> list[KnownCompound]:
        """Return the compounds with this InChIKey."""
        return [k for k in self._rows_of(b"key=" + inchikey.lower().encode()) if k.inchikey == inchikey]

    def by_cas(self, cas: str) -> list[KnownCompound]:
        """Return the compound with this CAS number, or those that name it among their synonyms."""
        own = [k for k in self._rows_of(b"cas=" + cas.encode()) if k.cas == cas]
        return own or self.by_name(cas)

    def by_formula(self, formula: str, limit: int = 10) -> list[KnownCompound]:
        """Return up to `limit` compounds with this formula (Hill order), better known first. Reads all rows."""
        wanted = formula.encode()
        found = [known for known in self._elements.values() if known.formula == formula]
        for number in reversed(range(len(FILES))):
            for line in self._lines(number):
                if line.split(b"\t", 3)[2] == wanted:
                    found.append(_known(line, FILES[number][1]))
        found.sort(key=lambda known: (-known.trust, -len(known.names)))
        return found[:limit]

    def has_names(self, names: Iterable[str]) -> list[bool]:
        """Return for each folded name whether its hash is in the table (ask `by_name` to be sure)."""
        import numpy as np

        wanted = np.fromiter((hash(name.encode()) for name in names), dtype=np.int64)
        if not len(wanted):
            return []
        at = np.minimum(np.searchsorted(self._keys, wanted), len(self._keys) - 1)
        return [bool(hit) for hit in self._keys[at] == wanted]

    def nearest(self, name: str) -> str | None:
        """Return the known name most like `name`, of a better known compound, or None. Reads all rows, unless no hint is wanted."""
        if not hints_wanted():
            return None
        wanted = fold(name)
        pool: dict[str, int] = {known: 2 for known in self._elements}
        for number in range(len(FILES)):
            for line in self._lines(number):
                for known in _folded_fields(line)[FIRST_NAME + 1 : FIRST_NAME + 6]:
                    near = abs(len(known) - len(wanted)) <= 2
                    if near and (known[:2] == wanted[:2].encode() or known[-4:] == wanted[-4:].encode()):
                        pool[known.decode()] = FILES[number][1]
        close = difflib.get_close_matches(wanted, pool, n=5, cutoff=0.8)
        scored = [(difflib.SequenceMatcher(None, wanted, c).ratio() + 0.03 * pool[c], c) for c in close]
        return max(scored)[1] if scored else None

    @functools.cached_property
    def _common(self) -> list[str]:
        """The common names of all rows, sorted."""
        names = {
            name.decode()
            for number in range(len(FILES))
            for line in self._lines(number)
            for name in _folded_fields(line)[FIRST_NAME + 1 : FIRST_NAME + 2]
        }
        return sorted(names | set(self._elements))

    def beginning(self, start: str, limit: int) -> list[str]:
        """Return up to `limit` common names that begin with `start`, the shortest first."""
        wanted = fold(start)
        first = bisect.bisect_left(self._common, wanted)
        found = list(
            itertools.takewhile(lambda n: n.startswith(wanted), itertools.islice(self._common, first, None))
        )
        return sorted(found, key=lambda n: (len(n), n))[:limit]

    def _lines(self, number: int) -> Iterator[bytes]:
        data, start = self._maps[number], 0
        while (end := data.find(b"\n", start)) >= 0:
            yield data[start:end]
            start = end + 1
        if start < len(data):
            yield data[start:]

    def _rows_of(self, key: bytes) -> Iterator[KnownCompound]:
        import numpy as np

        first, last = (int(np.searchsorted(self._keys, hash(key), side=side)) for side in ("left", "right"))
        for row in sorted({int(row) for row in self._rows[first:last]}):
            number = self._files[row]
            data, start = self._maps[number], self._starts[row]
            end = data.find(b"\n", start)
            yield _known(data[start : end if end >= 0 else len(data)], FILES[number][1])


@functools.cache
def name_table() -> NameTable:
    """Return the process's one table of names (about a second and 25 MB at the first call)."""
    return NameTable()


def find_names(text: str) -> list[tuple[int, int, str]]:
    """Return (start, end, name) of the compounds named in `text` that are known offline, the longest names.

    Names of up to five words and CAS numbers are found. Left out are words of everyday English ('lead', 'base';
    'good' is a street name), lower-case abbreviations that are only minor synonyms, formulas, and numbers.
    """
    from benchmate.tools.chemistry.ambiguous import AMBIGUOUS_NAMES

    words = [match.span() for match in _WORD.finditer(text)]
    spans: list[tuple[int, int, int]] = []  # word index, start, end
    for i in range(len(words)):
        for j in range(min(i + LONGEST_NAME, len(words)) - 1, i - 1, -1):
            spans += [(i, start, end) for start, end in _trimmed(text, words[i][0], words[j][1])]
    table = name_table()
    folded = [fold(text[start:end]) for _, start, end in spans]
    folded = [f"cas={name}" if _CAS.fullmatch(name) else SPELLINGS.get(name, name) for name in folded]
    shouted = text.isupper()
    found: list[tuple[int, int, str]] = []
    taken = 0
    for (_, start, end), name, hit in zip(spans, folded, table.has_names(folded), strict=True):
        if start < taken or not (hit or name in AMBIGUOUS_NAMES or name in table._elements):
            continue
        written = text[start:end]
        if _OF_A_MOLECULE.match(text, end):  # 'hydrogen bond donors', 'carbon atoms'
            continue
        if name in AMBIGUOUS_NAMES or _is_mention(table, written, name, shouted):
            found.append((start, end, written))
            taken = end
    return found


def _trimmed(text: str, start: int, end: int) -> Iterator[tuple[int, int]]:
    """Yield the span as it stands, without punctuation or brackets at its edges, and without a possessive 's."""
    yield start, end
    starts, ends = [start], [end]
    for edge in (_POINTS, _POINTS + _BRACKETS):
        left, right = starts[-1], ends[-1]
        while left < right and text[left] in edge:
            left += 1
        while right > left and text[right - 1] in edge:
            right -= 1
        starts.append(left)
        ends.append(right)
    spans = dict.fromkeys((a, b) for a in starts[1:] for b in ends[1:] if a < b)
    yield from spans
    for a, b in spans:
        if text[a:b].endswith(("'s", "’s")):
            yield a, b - 2


def _is_mention(table: NameTable, written: str, name: str, shouted: bool) -> bool:
    from benchmate.tools.chemistry.formulas import is_formula_of

    if name.startswith("cas="):
        return bool(table.by_cas(written))
    if not re.search(r"[a-z]{3}", name):
        return False
    if " " not in name and name in everyday_words():
        return False
    known = table.by_name(name)
    if not known or any(is_formula_of(written, compound.formula) for compound in known):
        return False
    if re.fullmatch(r"[a-z]{3,4}", name):  # an abbreviation: capitals, or a leading name
        best = min(compound.position(name) or 0 for compound in known)
        return best <= 2 or (written.isupper() and not shouted)
    return True


@functools.cache
def everyday_words() -> frozenset[str]:
    """Return words of everyday and scientific English that are also trade names or codes of compounds."""
    text = resources.files("benchmate.tools.chemistry").joinpath("everyday_words.txt").read_text("utf-8")
    return frozenset(text.split())


@functools.cache
def table_release() -> str:
    """Return the table's name and version: 'chemicals 1.5.2'."""
    from importlib.metadata import version

    return f"chemicals {version('chemicals')}"


def _folder() -> Path:
    spec = util.find_spec("chemicals")
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError("No module named 'chemicals'", name="chemicals")
    return Path(spec.origin).parent / "Identifiers"


def _folded_fields(line: bytes) -> list[bytes]:
    line = line.rstrip(b"\n")
    if line.isascii():
        return line.lower().split(b"\t")
    return [fold(field).encode() for field in line.decode().split("\t")]


def _known(line: bytes, trust: int) -> KnownCompound:
    fields = line.decode().rstrip("\n").split("\t")
    cas = fields[1] if len(fields[1]) <= 12 else None  # longer ones are the package's own numbers
    inchi = f"InChI=1S/{fields[5]}" if fields[5] else ""
    return KnownCompound(fields[4], inchi, fields[6], fields[2], cas, tuple(fields[FIRST_NAME:]), trust)


def _elements() -> dict[str, KnownCompound]:
    """Return the elements by name, as single atoms; the diatomic gases are compounds of the table."""
    from chemicals.elements import homonuclear_elements_CASs_set, periodic_table

    return {
        e.name.lower(): KnownCompound(
            e.smiles, f"InChI=1S/{e.InChI}", e.InChI_key, e.symbol, e.CAS, (e.name.lower(), e.name.lower()), 2
        )
        for e in periodic_table
        if e.CAS not in homonuclear_elements_CASs_set
    }
