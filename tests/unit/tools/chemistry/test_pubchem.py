"""PubChem by name. The answers have the shape from documentation (PUG REST, PC_Compounds), none was recorded."""

from collections.abc import Mapping
from typing import Any

import pytest

from benchmate.runtime.errors import BenchmateError, InvalidInput, NotFound, Unavailable
from benchmate.tools.chemistry.compounds import resolve_compound, resolve_online


def prop(label: str, value: str, name: str | None = None) -> dict[str, Any]:
    return {
        "urn": {"label": label, "datatype": 1, **({"name": name} if name else {})},
        "value": {"sval": value},
    }


def record(cid: int, smiles: str, inchi: str, inchikey: str, iupac: str) -> dict[str, Any]:
    return {
        "id": {"id": {"cid": cid}},
        "atoms": {"aid": [1], "element": [6]},
        "charge": 0,
        "props": [
            prop("IUPAC Name", iupac, "Preferred"),
            prop("InChI", inchi, "Standard"),
            prop("InChIKey", inchikey, "Standard"),
            prop("SMILES", smiles, "Absolute"),
        ],
    }


IMATINIB = record(  # PubChem 5291
    5291,
    "CC1=C(C=C(C=C1)NC(=O)C2=CC=C(C=C2)CN3CCN(CC3)C)NC4=NC=CC(=N4)C5=CN=CC=C5",
    "InChI=1S/C29H31N7O/c1-21-5-10-25(18-27(21)34-29-31-13-11-26(33-29)24-4-3-12-30-19-24)32-28(37)23-8-6-22"
    "(7-9-23)20-36-16-14-35(2)15-17-36/h3-13,18-19H,14-17,20H2,1-2H3,(H,32,37)(H,31,33,34)",
    "KTUFNOKKBVMGRW-UHFFFAOYSA-N",
    "imatinib by IUPAC",
)


class FakeHttp:
    def __init__(self, answer: Any) -> None:
        self.answer = answer
        self.asked: list[str] = []

    async def get_json(self, url: str, params: Mapping[str, Any] | None = None) -> Any:
        self.asked.append(url)
        if isinstance(self.answer, BenchmateError):
            raise self.answer
        return self.answer


async def test_a_name_becomes_a_record_that_resolves() -> None:
    http = FakeHttp({"PC_Compounds": [IMATINIB]})
    found = await resolve_online("imatinib", http)
    assert http.asked == ["https://pubchem.ncbi.nlm.nih.gov/rest/pug/compound/name/imatinib/record/JSON"]
    compound = resolve_compound(found)
    assert compound.inchikey == "KTUFNOKKBVMGRW-UHFFFAOYSA-N"
    assert (compound.label, compound.registry_id, compound.resolved_by) == ("imatinib", "CID 5291", "PubChem")
    assert compound.warnings == ()


async def test_names_are_quoted_in_the_address() -> None:
    http = FakeHttp({"PC_Compounds": [IMATINIB]})
    await resolve_online("a/b c?", http)
    assert http.asked[0].endswith("/name/a%2Fb%20c%3F/record/JSON")


async def test_several_compounds_are_candidates_not_a_choice() -> None:
    left = record(
        5950, "C[C@@H](C(=O)O)N", "InChI=1S/x", "QNAYBMKLOCPYGJ-REOHCLBHSA-N", "(2S)-2-aminopropanoic acid"
    )
    right = record(602, "CC(C(=O)O)N", "InChI=1S/y", "QNAYBMKLOCPYGJ-UHFFFAOYSA-N", "2-aminopropanoic acid")
    with pytest.raises(InvalidInput) as caught:
        await resolve_online("alanine", FakeHttp({"PC_Compounds": [left, right]}))
    assert caught.value.code == "ambiguous_name"
    assert [c["cid"] for c in caught.value.info.details["candidates"]] == [5950, 602]


async def test_a_name_pubchem_does_not_know() -> None:
    answers: list[Any] = [NotFound("not_found_there", "404"), {"PC_Compounds": []}]
    for answer in answers:
        with pytest.raises(NotFound) as caught:
            await resolve_online("nosuchthing", FakeHttp(answer))
        assert caught.value.code == "unknown_compound"
        assert "PubChem" in str(caught.value)


async def test_network_failures_stay_what_they_are() -> None:
    failure = Unavailable("network_unavailable", "no network")
    with pytest.raises(Unavailable) as caught:
        await resolve_online("imatinib", FakeHttp(failure))
    assert caught.value is failure


@pytest.mark.parametrize("answer", [{}, [], {"PC_Compounds": [{"id": {}}]}, None])
async def test_another_format_is_no_missing_compound(answer: Any) -> None:
    with pytest.raises(Unavailable) as caught:
        await resolve_online("imatinib", FakeHttp(answer))
    assert caught.value.code == "unexpected_answer"
