"""What a text says outright, each by its own form: files, lists of numbers, dates and times, reaction SMILES, formulas, mathematics."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from benchmate.runtime.errors import InvalidInput
from benchmate.tools.chemistry.formulas import parse_species


class Found(NamedTuple):
    """A candidate for an argument, and where it stands."""

    start: int
    end: int
    text: str
    kind: str  # compound, structure (meant as one, but not valid), dna, rna, protein, equation, document, number, unit,
    # and what is found here: file, numbers, time, position, reaction, formula, expression; column where a table is there


_SUFFIXES = (
    "csv|tsv|txt|dat|xlsx|xls|parquet|json|cif|poscar|vasp|xyz|pdb|ent|mmcif|fasta|fa|fna|faa|ffn|fastq|fq|gb|gbk|genbank|dna|"
    "sdf|mol|mol2|smi|smiles|mseed|miniseed|sac|gse2|segy|sgy|xml|quakeml|qml|fits|fit|h5|hdf5|hdf|png|jpe?g|tiff?|bmp|gif|npy|"
    "dx|jdx|jcamp|wav"
)
_FILE = re.compile(
    rf"sample:[\w-]+|\bPOSCAR\b|\bCONTCAR\b|(?P<q>[\"'“])(?P<quoted>[^\"'”\n]{{1,200}}\.(?:{_SUFFIXES})(?:\.gz)?)[\"'”]"
    rf"|(?<![\w/.+@~-])(?=[^\s,;\"'“”]{{1,300}}\.(?:{_SUFFIXES})(?:\.gz)?(?![\w/]))(?:~|[A-Za-z]:)?[\w./+@-]{{1,300}}\.(?:{_SUFFIXES})(?:\.gz)?(?![\w/])",
    re.I,
)
_VALUE = r"[-+−]?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?"
_BRACKETED = re.compile(rf"[\[(]\s*(?P<body>{_VALUE}(?:\s*[,;]\s*{_VALUE})+)\s*[\])]")
_LISTED = re.compile(
    rf"(?<![\w.,]){_VALUE}(?:\s*,\s+{_VALUE}){{2,}}(?:\s*,?\s+and\s+{_VALUE})?(?![\w]|\.\d|,\d)"
)
_SPACED = re.compile(rf"(?<![\w.,\-]){_VALUE}(?:[ \t]{{1,3}}{_VALUE}){{3,}}(?![\w]|\.\d|,\d)")
_CLOCK = r"\d{1,2}:\d{2}(?::\d{2}(?:\.\d+)?)?"
_TIME = re.compile(
    rf"\b\d{{4}}-\d{{2}}-\d{{2}}(?:[T ]{_CLOCK})?(?:\s?(?:Z|UTC|TAI|TT|TDB|UT1|[+-]\d{{2}}:?\d{{2}})\b|Z\b)?"
    r"|\b(?:M?JD|BJD|GPS(?: time)?)\s*[=:]?\s*\d{4,10}(?:\.\d+)?",
)
_MINUTES = r"\d{1,2}\s?[m:'′]\s?\d{1,2}(?:\.\d+)?\s?(?:s|\"|″|'')?"
_SEXAGESIMAL = re.compile(  # '05h14m32.3s -08d12m06s', '12:30:49.4 +12:23:28'
    rf"(?<![\w.:])(?:RA\s*=?\s*)?(?P<ra>\d{{1,3}}\s?[hd°:]\s?{_MINUTES})\s*,?\s*(?:Dec(?:l|lination)?\.?\s*=?\s*)?"
    rf"(?P<dec>[-+−]?\d{{1,2}}\s?[d°:]\s?{_MINUTES})(?![\w:])",
    re.I,
)
_DEGREES = re.compile(  # 'RA 10.684, Dec +41.27'
    r"\bRA\s*=?\s*(?P<ra>\d{1,3}(?:\.\d+)?)\s*(?:°|deg(?:rees)?)?\s*,?\s*(?:and\s+)?Dec(?:l|lination)?\.?\s*=?\s*"
    r"(?P<dec>[-+−]?\d{1,2}(?:\.\d+)?)(?:\s*(?:°|deg(?:rees)?)(?!\w))?(?![\w:])",
    re.I,
)
_SMILES_SIDE = r"[A-Za-z\d@+\-\[\]()=#$:/\\%.*~]{1,400}"
_REACTION = re.compile(rf"(?<!\S){_SMILES_SIDE}>[^\s>]{{0,400}}>(?:{_SMILES_SIDE})?(?![^\s?!,;.])")
_ARROW_INSIDE = re.compile(r"[-=—–]>")
_LATEX = re.compile(r"\\ce\{(?P<body>[^{}]*(?:\{[^{}]*\}[^{}]*)*)\}")
_FORMULA = re.compile(  # 'Si' alone only before a number, a bracket or as what a structure is of
    r"(?<![\w\-\[{(])(?:[A-Z][a-z]?\d*|\((?:[A-Z][a-z]?\d*)+\)\d*|\[(?:[A-Z][a-z]?\d*|\((?:[A-Z][a-z]?\d*)+\)\d*)+\]\d*){2,}(?:\^?\d?[+-](?!\w))?(?:[.·•*]\s?\d*H2O)?(?![\w\-^{(])"
)
_ELEMENT = re.compile(  # one symbol is a formula only where a crystal is spoken of: 'fcc Cu', 'Si (111)'
    r"\b(?:fcc|bcc|hcp|diamond|bulk|crystalline)\s+(?P<a>[A-Z][a-z]?)(?![\w-])|\b(?P<b>[A-Z][a-z]?)\s?\(\d{3,4}\)"
)
_WORDS_NOT_FORMULAS = frozenset(
    "IC50 CC50 EC50 LD50 HeLa U2OS PC3 SI UV NIH UFF HF DFT VOC OK PCB UK US USA PCR ORF CIP DNA RNA GC NMR IR MS HPLC OLS "
    "ANOVA BIC PSD FFT SNR RV CPU UTC TAI ICRS FK5 FK4 CO NO IN ON NOW HOW WHO WHY WAS HAS I II III IV VI CI SD SE BO BP NN".split()
)
_MATH = re.compile(
    r"(?<![\w@.])(?P<body>(?:[\w.]+(?:\([^()\n]{0,80}\))?|\([^()\n]{1,120}\))'{0,2}"
    r"(?:\s*(?:\*\*|[-+*/^=])\s*(?:[-+]?\s*)(?:[\w.]+(?:\([^()\n]{0,80}\))?|\([^()\n]{1,120}\))){1,12})"
)
_ABOUT_MATH = re.compile(
    r"\b(?:solve|integra\w+|integral|deriv\w+|differenti\w+|simplif\w+|factor(?:i[sz]e)?|expand|limit|roots?|dy/d|d/d|eigen\w+|"
    r"determinant|taylor|series|ode|equations?|evaluate|antiderivative|maxim\w+|minim\w+|uncertaint\w+|propagat\w+|calculate|compute)\b",
    re.I,
)  # fmt: skip


# how people name the samples
_SAMPLES = (
    (
        re.compile(
            r"\bFisher['’]?s iris(?: table| data ?set| data)?|\bthe iris (?:table|data ?set|data)", re.I
        ),
        "sample:iris",
    ),
    (
        re.compile(r"\b(?:the )?(?:full )?Longley(?: table| data ?set| data| regression)?", re.I),
        "sample:longley",
    ),
    (re.compile(r"\b(?:yearly |the )?sunspot (?:numbers|data|table|series)", re.I), "sample:sunspots"),
    (
        re.compile(
            r"\bdata\.coins(?:\(\))?|\b(?:scikit-image|skimage) (?:coins|sample image(?: of coins)?)(?! data)",
            re.I,
        ),
        "sample:coins",
    ),
    (
        re.compile(
            r"\b(?:the )?(?:default )?ObsPy example (?:stream|record|waveform)|\bobspy\.read\(\)", re.I
        ),
        "sample:earthquake",
    ),
)


def find_mentions(text: str) -> Iterator[Found]:
    """Yield the files, reactions, lists, and times of a text; those of one kind do not overlap."""
    for match in _FILE.finditer(text):
        group = "quoted" if match["quoted"] else 0
        yield Found(*match.span(group), match[group], "file")
    for pattern, sample in _SAMPLES:
        for match in pattern.finditer(text):
            yield Found(*match.span(), sample, "file")
    for match in _REACTION.finditer(text):
        written = match[0].rstrip(".,;:?")
        if not _ARROW_INSIDE.search(written) and re.search(r"[A-Za-z]", written):
            yield Found(match.start(), match.start() + len(written), written, "reaction")
    yield from _positions(text)
    for match in _BRACKETED.finditer(text):
        yield Found(*match.span(), match[0], "numbers")
    for match in _LISTED.finditer(text):
        yield Found(*match.span(), match[0], "numbers")
    for match in _SPACED.finditer(text):
        yield Found(*match.span(), match[0], "numbers")
    for match in _TIME.finditer(text):
        yield Found(*match.span(), match[0], "time")


def _positions(text: str) -> Iterator[Found]:
    """Yield the positions on the sky; one in plain degrees only beside another: alone it is a longitude and a latitude."""
    degrees = list(_DEGREES.finditer(text))
    for match in (*_SEXAGESIMAL.finditer(text), *(degrees if len(degrees) > 1 else ())):
        written = f"{match['ra']} {match['dec']}".replace("−", "-")
        yield Found(match.start(), match.end(), written, "position")


def numbers_in(text: str) -> list[float]:
    """Return the numbers of a list that a text holds."""
    return [float(value.replace("−", "-")) for value in re.findall(_VALUE, text)]


def find_formulas(text: str) -> Iterator[Found]:
    """Yield the chemical formulas of a text: LaTeX's \\ce{…}, and words that are element symbols with counts."""
    for match in _LATEX.finditer(text):
        yield Found(*match.span(), match[0], "formula")
    for match in _FORMULA.finditer(text):
        if match[0] not in _WORDS_NOT_FORMULAS and re.search(r"\d|[a-z]", match[0]) and is_formula(match[0]):
            yield Found(*match.span(), match[0], "formula")


def find_elements(text: str) -> Iterator[Found]:
    """Yield the symbols of elements that a text names as crystals."""
    for match in _ELEMENT.finditer(text):
        group = "a" if match["a"] else "b"
        if is_formula(match[group]):
            yield Found(*match.span(group), match[group], "formula")


def is_formula(written: str) -> bool:
    """Return whether a text is a chemical formula: element symbols with counts, and perhaps a charge."""
    try:
        return bool(parse_species(written).atoms)
    except InvalidInput:
        return False


def find_expressions(text: str) -> Iterator[Found]:
    """Yield the mathematical expressions and equations of a text that speaks of mathematics."""
    if not _ABOUT_MATH.search(text):
        return
    for match in _MATH.finditer(text):
        body = match["body"].strip()
        if re.search(r"[*/^=]|\d\s*[-+]|[-+]\s*\d", body) and re.search(r"\d|[a-z]\b", body):
            yield Found(match.start(), match.start() + len(body), body, "expression")
