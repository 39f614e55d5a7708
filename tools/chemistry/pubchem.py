"""PubChem's PUG REST service: a name to the record of a compound, for callers that may use the network."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol
from urllib.parse import quote

from benchmate.runtime.errors import InvalidInput, NotFound, Unavailable
from benchmate.tools.chemistry.records import CompoundRecord

PUG_REST = "https://pubchem.ncbi.nlm.nih.gov/rest/pug"


class JsonSource(Protocol):
    """What `resolve_online` needs of the HTTP client."""

    async def get_json(self, url: str, params: Mapping[str, Any] | None = None) -> Any:
        """Return the JSON document at `url`."""


async def resolve_online(name: str, http: JsonSource) -> CompoundRecord:
    """Return PubChem's record for `name`.

    Raises NotFound (`unknown_compound`), InvalidInput (`ambiguous_name`, when several compounds carry the name),
    and what `http` raises.
    """
    import pubchempy

    url = f"{PUG_REST}/compound/name/{quote(name.strip(), safe='')}/record/JSON"
    try:
        answer = await http.get_json(url)
    except NotFound as error:
        raise NotFound(
            "unknown_compound", f"PubChem knows no compound named {name!r}", hint="give a SMILES or InChI",
            details={"given": name, "url": url},
        ) from error  # fmt: skip
    try:
        compounds = [pubchempy.Compound(record) for record in answer["PC_Compounds"]]
        found = {(compound.inchikey, compound.smiles) for compound in compounds}
    except (KeyError, TypeError, pubchempy.PubChemPyError) as error:
        raise Unavailable(
            "unexpected_answer", f"PubChem's answer for {name!r} has another form than documented: {error!r}",
            hint="the service may have changed its format", details={"url": url},
        ) from error  # fmt: skip
    if not compounds:
        raise NotFound(
            "unknown_compound", f"PubChem knows no compound named {name!r}", hint="give a SMILES or InChI"
        )
    if len({inchikey for inchikey, _ in found}) > 1:
        candidates = [
            {"name": c.iupac_name or f"CID {c.cid}", "smiles": c.smiles, "inchikey": c.inchikey, "cid": c.cid}
            for c in compounds
        ]
        raise InvalidInput(
            "ambiguous_name", f"PubChem has {len(compounds)} compounds named {name!r}",
            hint="give one of the candidates' SMILES", details={"candidates": candidates},
        )  # fmt: skip
    first = compounds[0]
    return CompoundRecord(
        name=name.strip(),
        smiles=first.smiles,
        inchi=first.inchi,
        inchikey=first.inchikey,
        registry_id=f"CID {first.cid}",
        source="PubChem",
    )
