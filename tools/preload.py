"""Importing this module loads what tools need at their first call: the tables of names and descriptors, and the units.

A fork server imports it once, beside the program's own start; its workers share the memory and answer at once.
"""

from __future__ import annotations

from rdkit.Chem import MolFromSmiles

from benchmate.runtime.quantity import parse_unit
from benchmate.tools.chemistry.descriptors import descriptor_values
from benchmate.tools.chemistry.names import everyday_words, name_table
from benchmate.tools.registry import load_registry

load_registry()
name_table()
everyday_words()
parse_unit("g/mol")
descriptor_values(MolFromSmiles("CCO"))
