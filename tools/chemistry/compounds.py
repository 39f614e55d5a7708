"""Compounds: what a caller gives (name, SMILES, InChI, InChIKey, CAS number, record) resolved to a structure."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from benchmate.runtime.errors import BenchmateError, InvalidInput, NotFound
from benchmate.tools.chemistry.ambiguous import AMBIGUOUS_NAMES
from benchmate.tools.chemistry.formulas import hill_formula, is_formula_of, parse_species
from benchmate.tools.chemistry.molecules import Compound, build_compound
from benchmate.tools.chemistry.names import KnownCompound, find_names, fold, name_table, table_release
from benchmate.tools.chemistry.parsing import (
    INCHIKEY,
    check_length,
    inchikey,
    looks_like_smiles,
    parse_inchi,
    parse_smiles,
    quiet_rdkit,
)
from benchmate.tools.chemistry.pubchem import resolve_online
from benchmate.tools.chemistry.records import CompoundRecord

if TYPE_CHECKING:
    from rdkit.Chem import Mol

__all__ = [
    "Compound",
    "CompoundRecord",
    "compound_by_name",
    "find_names",
    "resolve_compound",
    "resolve_online",
]

_EACH_ELEMENT_ONCE = re.compile(r"(?:([A-Z][a-z]?)(?![a-z])(?!.*\1(?![a-z]))\d*)+")
MINOR_SYNONYM = 20  # names further down PubChem's list are trade names, codes and slang


def resolve_compound(given: str | Mapping[str, Any] | CompoundRecord) -> Compound:
    """Return the compound that `given` stands for, offline.

    A text is read as InChI, InChIKey, CAS number, SMILES or name, in this order. A formula never resolves. Where
    a text is SMILES and a name ('NBS'), the reading that is a known compound holds, SMILES if both are; a warning
    says so.

    Raises InvalidInput: `empty_compound`, `too_large`, `invalid_smiles`, `invalid_inchi`, `invalid_cas`,
    `ambiguous_formula`, `ambiguous_name` (both with `candidates` in details), `no_structure`, `invalid_record`,
    `unreadable_record`, `record_mismatch`.
    Raises NotFound: `unknown_compound`, with the nearest known name.
    """
    if isinstance(given, str):
        return _resolve_text(given)
    return _resolve_record(given)


@functools.lru_cache(maxsize=4096)
def _resolve_text(given: str) -> Compound:
    text = given.strip()
    check_length(text)
    if text.startswith("InChI="):
        return build_compound(
            parse_inchi(text), given=given, resolved_by="InChI", warnings=_inchi_warnings(text)
        )
    if key := INCHIKEY.fullmatch(text):
        return _from_table(name_table().by_inchikey(key[1])[:1], given, None, "InChIKey")
    if re.fullmatch(r"\d{2,7}-\d\d-\d", text):
        return _from_table(name_table().by_cas(_checked_cas(text)), given, None, "CAS number")
    mol, error = None, None
    if looks_like_smiles(text):
        try:
            mol = parse_smiles(text)
        except InvalidInput as failure:
            if failure.code == "too_large":
                raise
            error = failure
    if mol is not None:
        return _resolve_smiles(text, given, mol)
    formula_like = text.isalpha() or _EACH_ELEMENT_ONCE.fullmatch(text)  # 'CO2'; not 'C1CC1(C)(C)(C)'
    if error is not None and not formula_like and not name_table().by_name(text):
        raise error
    return compound_by_name(text, given)


def compound_by_name(name: str, given: str | None = None) -> Compound:
    """Return the compound that carries `name`, never reading it as a structure.

    Raises InvalidInput (`ambiguous_name`, `ambiguous_formula`) and NotFound (`unknown_compound`).
    """
    check_length(name)
    folded = fold(name)
    if folded in AMBIGUOUS_NAMES:
        raise _ambiguous_name(name, [{"name": n, "smiles": s} for n, s in AMBIGUOUS_NAMES[folded]])
    refuse_formula(name.strip())
    known = name_table().by_name(name)
    if any(is_formula_of(name.strip(), k.formula) for k in known):
        raise _ambiguous_formula(name, known[0].formula)
    return _from_table(known, given or name, name.strip(), "name")


def _resolve_smiles(text: str, given: str, mol: Mol) -> Compound:
    compound = build_compound(mol, given=given, resolved_by="SMILES")
    if not re.fullmatch(r"[A-Za-z]{1,6}", text):
        return compound
    table = name_table()
    others = [
        k
        for k in table.by_name(text)
        if k.inchikey != compound.inchikey and not is_formula_of(text, k.formula)
    ]
    if others and not table.by_inchikey(compound.inchikey):
        named = compound_by_name(text, given)
        note = f"{text!r} was read as a name; as SMILES it would be {compound.formula}"
        return named.model_copy(update={"warnings": (*named.warnings, note)})
    note = f"{text!r} was read as SMILES: {compound.formula}"
    if others:
        return compound.model_copy(update={"warnings": (f"{note}; it is also a name of {others[0].name}",)})
    if _EACH_ELEMENT_ONCE.fullmatch(text):
        return compound.model_copy(
            update={"warnings": (f"{note}; for the formula {text}, give the compound's name",)}
        )
    return compound


def _resolve_record(given: Mapping[str, Any] | CompoundRecord) -> Compound:
    try:
        record = given if isinstance(given, CompoundRecord) else CompoundRecord.model_validate(dict(given))
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "record"
        raise InvalidInput("invalid_record", f"{where}: {first['msg']}") from None
    if record.problem:
        raise InvalidInput(
            "unreadable_record",
            f"{record.source or record.registry_id or record.name or 'record'}: {record.problem}",
            hint="correct it in the file",
        )
    wrote = record.name or record.smiles or record.inchi or ""
    if record.smiles or record.inchi:
        mol = parse_smiles(record.smiles) if record.smiles else parse_inchi(record.inchi or "")
        by = record.source or ("SMILES" if record.smiles else "InChI")
        compound = build_compound(
            mol, given=wrote, name=record.name, resolved_by=by, registry_id=record.registry_id
        )
        if note := _known_as_another(compound):
            compound = compound.model_copy(update={"warnings": (*compound.warnings, note)})
    else:
        compound = compound_by_name(wrote)
        compound = compound.model_copy(update={"registry_id": record.registry_id or compound.registry_id})
    said = record.inchikey
    if record.smiles and record.inchi:
        said = said or inchikey(parse_inchi(record.inchi))
    if said and said != compound.inchikey:
        if said[:14] != compound.inchikey[:14]:
            raise InvalidInput(
                "record_mismatch",
                f"the record of {wrote!r} contradicts itself: {said} against {compound.inchikey}",
                hint="correct the structure or the InChIKey", details={"smiles": compound.smiles},
            )  # fmt: skip
        note = (
            f"the record's InChIKey {said} is another stereo, isotope or charge form of {compound.inchikey}"
        )
        compound = compound.model_copy(update={"warnings": (*compound.warnings, note)})
    return compound


def _known_as_another(compound: Compound) -> str | None:
    """Return a warning when the record's name is known offline, and not for this structure or its parent."""
    if not compound.name:
        return None
    name = compound.name.strip()
    known = [k for k in name_table().by_name(name) if (k.position(name) or 0) < MINOR_SYNONYM]
    own = {compound.inchikey[:14], compound.parent_inchikey[:14]}
    if not known or not compound.inchikey or any(k.inchikey[:14] in own for k in known):
        return None
    for row in known:  # the table's key may differ from the one of its own structure
        try:
            if inchikey(_table_mol(row))[:14] in own:
                return None
        except InvalidInput:
            return None
    return (
        f"{name!r} is known as another structure, {known[0].formula}; "
        f"the structure of the record, {compound.formula}, was used"
    )


def _from_table(known: list[KnownCompound], given: str, name: str | None, what: str) -> Compound:
    if not known:
        nearest = name_table().nearest(name) if name else None
        raise NotFound(
            "unknown_compound",
            f"{given!r} is not a known {what}: it is not in the offline table ({table_release()}), "
            "and PubChem was not asked because names are resolved offline in this mode",
            hint=f"did you mean {nearest!r}?" if nearest else "give a SMILES or InChI",
            details={"given": given, "nearest": nearest},
        )
    chosen = _choose(known, name, given)
    position = chosen.position(name) if name else None
    warnings: tuple[str, ...] = ()
    if position is not None and position >= MINOR_SYNONYM:
        warnings += (f"{name!r} was read as a lesser known name of {chosen.name}",)
    mol = _table_mol(chosen)
    compound = build_compound(
        mol,
        given=given,
        name=name or chosen.name,
        known_as=chosen.name,
        resolved_by=table_release(),
        registry_id=f"CAS {chosen.cas}" if chosen.cas else None,
        warnings=warnings,
    )
    notes = list(compound.warnings)
    if chosen.inchikey and chosen.inchikey != compound.inchikey:
        notes.append(f"the table's InChIKey {chosen.inchikey} differs from the one of its structure")
    if compound.unspecified_stereo:
        count = compound.unspecified_stereo
        what = "stereo centre or double bond" if count == 1 else "stereo centres or double bonds"
        notes.append(f"the structure leaves {count} {what} open")
    return compound.model_copy(update={"warnings": tuple(notes)})


def _choose(known: list[KnownCompound], name: str | None, given: str) -> KnownCompound:
    """Return the one compound meant of those that carry the name: whose main name it is, or from a curated file.

    Compounds that differ only in stereochemistry give the one with open stereo, if it is among them.
    """
    ranks: list[Callable[[KnownCompound], bool]] = [
        lambda k: True,
        lambda k: name is not None and k.position(name) in (0, 1),
        lambda k: name is not None and k.position(name) == 1,
    ]
    left = known
    for keep in ranks:
        left = [k for k in left if keep(k)] or left
        if len({k.inchikey for k in left}) == 1:
            return left[0]
    best = [k for k in left if k.trust == max(other.trust for other in left)]
    if (
        len({k.inchikey for k in best}) == 1
        and len({bool(re.search(r"[+-]\d*$", k.formula)) for k in left}) == 1
    ):
        return best[0]
    flat = [k for k in left if k.inchikey[15:23] == "UHFFFAOY"]
    if len({k.inchikey[:14] for k in left}) == 1 and flat:
        return flat[0]
    raise _ambiguous_name(
        given,
        [
            {"name": k.name, "smiles": k.smiles, "inchikey": k.inchikey, "formula": k.formula}
            for k in left[:10]
        ],
    )


def _table_mol(known: KnownCompound) -> Mol:
    for parse, text in ((parse_smiles, known.smiles), (parse_inchi, known.inchi)):
        try:
            return parse(text)
        except InvalidInput as error:
            reason = error.info.message
    raise InvalidInput(
        "no_structure",
        f"RDKit cannot read the table's structure of {known.name!r}: {reason}",
        hint="give a SMILES",
    )


def _ambiguous_name(name: str, candidates: list[dict[str, str]]) -> InvalidInput:
    listed = ", ".join(candidate["name"] for candidate in candidates[:6])
    return InvalidInput(
        "ambiguous_name", f"{name!r} may be several compounds: {listed}",
        hint="give one of these names, or a SMILES", details={"candidates": candidates},
    )  # fmt: skip


def refuse_formula(text: str) -> None:
    """Raise `ambiguous_formula` when `text` is a formula, unless it is a name of something else ('NIS')."""
    try:
        species = parse_species(text)
    except BenchmateError:
        return
    others = (
        [k for k in name_table().by_name(text) if not is_formula_of(text, k.formula)]
        if text.isalpha()
        else []
    )
    if not others:
        sign = f"{'+' if species.charge > 0 else '-'}{abs(species.charge) if abs(species.charge) > 1 else ''}"
        raise _ambiguous_formula(text, hill_formula(species.atoms) + (sign if species.charge else ""))


def _ambiguous_formula(text: str, formula: str) -> InvalidInput:
    candidates = [
        {"name": k.name, "smiles": k.smiles, "inchikey": k.inchikey} for k in name_table().by_formula(formula)
    ]
    listed = ", ".join(candidate["name"] for candidate in candidates[:5])
    return InvalidInput(
        "ambiguous_formula", f"{text!r} is a formula, which does not say which compound is meant",
        hint="give a name or SMILES" + (f"; known with this formula: {listed}" if listed else ""),
        details={"candidates": candidates},
    )  # fmt: skip


def _checked_cas(text: str) -> str:
    digits = text.replace("-", "")
    if sum(i * int(d) for i, d in enumerate(reversed(digits[:-1]), 1)) % 10 != int(digits[-1]):
        raise InvalidInput("invalid_cas", f"{text!r} is not a CAS number: its check digit is wrong")
    return text


def _inchi_warnings(text: str) -> tuple[str, ...]:
    from rdkit import Chem

    mol = parse_inchi(text)
    with quiet_rdkit():
        back = Chem.MolToInchi(mol)
    return () if back == text else (f"written back, the InChI reads {back}",)
