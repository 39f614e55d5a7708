"""Tools for biological sequences: DNA, RNA and proteins."""
