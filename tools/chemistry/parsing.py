"""SMILES and InChI texts read by RDKit, with RDKit's own reason in the error when they cannot be read."""

from __future__ import annotations

import logging
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from benchmate.runtime.errors import InvalidInput

if TYPE_CHECKING:
    from rdkit.Chem import Mol

MAX_CHARACTERS = 2000
MAX_HEAVY_ATOMS = 1000
INCHIKEY = re.compile(r"(?:InChIKey=)?([A-Z]{14}-[A-Z]{10}-[A-Z])")
_SMILES = re.compile(r"(?:\[[^\[\]\s]*\]?|Br|Cl|[BCNOPSFIbcnops*]|[-=#$:/\\~.()>]|%\d\d|\d)+")
_NEVER_IN_NAMES = re.compile(r"[=#@\\]|\[[A-Z][a-z]?\d*[+-]|\[\w+H\d?[+-]?\]")
_logs = threading.RLock()  # RDKit's log switches belong to the whole process


def looks_like_smiles(text: str) -> bool:
    """Return whether `text` is meant as SMILES, right or wrong: by its tokens, or by signs that no name has."""
    if re.search(r"\s", text):
        return False
    return bool(_SMILES.fullmatch(text)) or bool(_NEVER_IN_NAMES.search(text))


def parse_smiles(smiles: str) -> Mol:
    """Return the molecule `smiles` describes, sanitized.

    Raises InvalidInput: `empty_compound`, `too_large`, `invalid_smiles` with RDKit's reason.
    """
    from rdkit import Chem

    check_length(smiles)
    with quiet_rdkit():
        mol = Chem.MolFromSmiles(smiles) if not _strange_character(smiles) else None
    if mol is None:
        raise InvalidInput(
            "invalid_smiles", f"{smiles!r} is not a valid SMILES: {smiles_problem(smiles)}",
            hint="check brackets, ring closures and valences", details={"smiles": smiles},
        )  # fmt: skip
    return _checked(mol, smiles)


def parse_inchi(inchi: str) -> Mol:
    """Return the molecule `inchi` describes. Raises InvalidInput: `too_large`, `invalid_inchi`."""
    from rdkit import Chem

    check_length(inchi)
    with quiet_rdkit():
        mol = Chem.MolFromInchi(inchi) if not _strange_character(inchi) else None
    if mol is None:
        raise InvalidInput(
            "invalid_inchi", f"{inchi!r} is not a valid InChI: {_reason(Chem.MolFromInchi, inchi)}",
            hint="a standard InChI starts with InChI=1S/", details={"inchi": inchi},
        )  # fmt: skip
    return _checked(mol, inchi)


def check_length(text: str) -> None:
    """Raise InvalidInput for an empty text (`empty_compound`) or one too long for a structure (`too_large`)."""
    if not text.strip():
        raise InvalidInput(
            "empty_compound", "the compound is empty", hint="give a name, SMILES, InChI or InChIKey"
        )
    if len(text) > MAX_CHARACTERS:
        raise InvalidInput(
            "too_large", f"the structure is {len(text)} characters long; the limit is {MAX_CHARACTERS}",
            hint="this version handles small molecules", details={"starts": text[:60]},
        )  # fmt: skip


def smiles_problem(smiles: str) -> str:
    """Return RDKit's reason why it cannot read `smiles`, with the position where it gives one."""
    from rdkit import Chem

    if ">" in smiles:
        return "it is a reaction, not a compound"
    return _reason(Chem.MolFromSmiles, smiles)


def inchikey(mol: Mol) -> str:
    """Return the standard InChIKey, or '' when InChI cannot describe the molecule."""
    from rdkit import Chem

    with quiet_rdkit():
        return str(Chem.MolToInchiKey(mol))


@contextmanager
def quiet_rdkit() -> Iterator[None]:
    """Keep RDKit from writing to the terminal."""
    from rdkit import rdBase

    with _logs:
        block = rdBase.BlockLogs()
        try:
            yield
        finally:
            del block


def _checked(mol: Mol, text: str) -> Mol:
    if mol.GetNumAtoms() == 0:
        raise InvalidInput(
            "empty_compound", f"{text!r} describes no atoms", hint="give a structure with atoms"
        )
    if mol.GetNumHeavyAtoms() > MAX_HEAVY_ATOMS:
        raise InvalidInput(
            "too_large",
            f"the structure has {mol.GetNumHeavyAtoms()} heavy atoms; the limit is {MAX_HEAVY_ATOMS}",
            hint="this version handles small molecules",
        )  # fmt: skip
    if ("*" in text or "#0" in text) and any(atom.GetAtomicNum() == 0 for atom in mol.GetAtoms()):
        raise InvalidInput(
            "invalid_smiles", f"{text!r} contains the wildcard '*': it describes no definite compound",
            hint="put an atom in place of '*'", details={"smiles": text},
        )  # fmt: skip
    return mol


def _strange_character(text: str) -> str | None:
    """Return the first character no SMILES or InChI has; RDKit would cut the text there or fail to report it."""
    return next((character for character in text if not "!" <= character <= "~"), None)


def _reason(parse: Callable[[str], object], text: str) -> str:
    """Return what RDKit logs while it fails to parse `text`, as one phrase."""
    from rdkit import rdBase

    strange = _strange_character(text)
    if strange:
        return "it contains a space" if strange.isspace() else f"it contains the character {strange!r}"
    thread = threading.get_ident()
    lines: list[str] = []

    class Collector(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            if record.thread == thread:
                lines.append(re.sub(r"^\[[\d:]+\] ?", "", record.getMessage()))

    logger = logging.getLogger("rdkit")
    handlers, propagate = logger.handlers, logger.propagate
    with _logs:
        logger.handlers, logger.propagate = [Collector()], False
        rdBase.LogToPythonLogger()
        try:
            parse(text)
        finally:
            rdBase.LogToCppStreams()
            logger.handlers, logger.propagate = handlers, propagate
    return _readable(lines)


def _readable(lines: list[str]) -> str:
    """Return the first cause in RDKit's log lines as one phrase: 'syntax error (near position 9)'."""
    place = next((m[1] for line in lines if (m := re.search(r"around position (\d+)", line))), None)
    for line in lines:
        cause = re.sub(r"^(?:SMILES Parse Error|ERROR): ", "", line).strip()
        if not re.match(r"check for mistakes|Failed parsing|[~^]", cause) and " " in cause:
            cause = re.sub(r" (?:while parsing|for input): .*$", "", cause).rstrip(".:")
            cause = cause[0].lower() + cause[1:]
            return f"{cause} (near position {place})" if place else cause
    return "RDKit cannot read it and gives no reason"
