"""Records of compounds as callers, files and services hand them over."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic.json_schema import SkipJsonSchema


class CompoundRecord(BaseModel):
    """What a caller, a file or a service says of a compound; a structure in it is never read as a name."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str | None = Field(None, min_length=1)
    smiles: str | None = Field(None, min_length=1)
    inchi: str | None = Field(None, min_length=1)
    inchikey: str | None = Field(None, pattern=r"^[A-Z]{14}-[A-Z]{10}-[A-Z]$")
    registry_id: str | None = Field(None, description="The caller's own number, e.g. of a screening file.")
    source: str | None = Field(None, description="Where the record comes from: a file, 'PubChem'.")

    problem: SkipJsonSchema[str | None] = Field(
        None,
        description="Why the reader of a file could make nothing of this entry; such a record never resolves.",
        exclude_if=lambda value: value is None,
    )

    @model_validator(mode="after")
    def _says_something(self) -> CompoundRecord:
        if not (self.name or self.smiles or self.inchi or self.problem):
            raise ValueError("a record needs a name, SMILES or InChI")
        return self
