"""The tools that the workflows in these tests name, without the library and its index."""

import importlib

import pytest

from benchmate.tools.base import Tool

MODULES = (
    "chemistry.structures",
    "mathematics.calculation",
    "chemistry.descriptors",
    "chemistry.similarity",
    "biology.dna",
    "biology.protein",
)


@pytest.fixture(scope="session")
def tools() -> dict[str, Tool]:
    modules = [importlib.import_module(f"benchmate.tools.{name}") for name in MODULES]
    return {v.name: v for module in modules for v in vars(module).values() if isinstance(v, Tool)}
