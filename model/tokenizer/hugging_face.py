"""The dynamic tokenizer as a class of Hugging Face's transformers, for training and serving code that wants one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from transformers import BatchEncoding, PreTrainedTokenizerFast

from benchmate.model.tokenizer import detection
from benchmate.model.tokenizer.dynamic import DynamicTokenizer
from benchmate.model.tokenizer.merged import KEY, moved, save
from benchmate.runtime.errors import InvalidInput


class DynamicTokenizerFast(PreTrainedTokenizerFast):
    """`AutoTokenizer.from_pretrained(folder, trust_remote_code=True)` gives it for a folder that `save` has written.

    Its ids are those of `DynamicTokenizer`; what is encoded passes the detector first, unless the folder says otherwise.
    """

    @classmethod
    def of(cls, tokenizer: DynamicTokenizer, folder: Path) -> DynamicTokenizerFast:
        """Save a tokenizer into a folder and return it from there."""
        save(tokenizer, folder)
        return cls.from_pretrained(folder)

    def _encode_plus(self, text: Any, text_pair: Any = None, **options: Any) -> BatchEncoding:
        return super()._encode_plus(self._moved(text), self._moved(text_pair), **options)

    def _moved(self, text: Any) -> Any:
        details = self.init_kwargs[KEY]
        if details["detector"] != detection.VERSION:
            raise InvalidInput(
                "wrong_tokenizer_folder",
                f"the tokenizer was saved with version {details['detector']} of the detector, and this is {detection.VERSION}",
            )
        if isinstance(text, str):
            return moved(text, details["detect"])
        if isinstance(text, (list, tuple)):
            return type(text)(self._moved(one) for one in text)
        return text
