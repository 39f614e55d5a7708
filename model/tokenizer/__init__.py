"""The dynamic tokenizer: SMILES and FASTA in vocabularies of their own, and the scheme of released checkpoints.

    from benchmate.model.tokenizer import load_tokenizer

    tokenizer = load_tokenizer()
    ids = tokenizer.encode("What is <SMILES>CC(=O)Oc1ccccc1C(=O)O</SMILES>?")

docs/tokenizer.md shows it at work.
"""

from benchmate.model.tokenizer.loading import load_tokenizer

__all__ = ["load_tokenizer"]
