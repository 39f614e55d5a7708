"""What a search of one's own documents is about: a question without its courtesies, verbs of asking and mentions of the documents."""

from __future__ import annotations

import re

from benchmate.tools.intake import find_documents

_COURTESY = re.compile(
    r"^(?:(?:please|hi|hello|so|and|also|then|now|well|ok|okay|quick question)\b[\s,:!]*|"
    r"(?:can|could|would|will) you(?: please)?\s+|I(?:'d| would) like to know\s+|(?:tell|show|give) me\s+)+",
    re.I,
)
_SEARCHING = re.compile(
    r"^(?:(?:please\s+)?(?:search|look\s+up|look|find|check|scan|go|retrieve|quote|cite|summari[sz]e|list|show|read)\b\s*"
    r"(?:me\s+)?(?:in|through|into|up|for|within|across|among)?\s*)",
    re.I,
)
_ASKING = re.compile(
    r"^(?:what(?:'s)?|which|who|whom|where|is there|are there|is|are|was|were|do|does|did|have|has|had|how)?\s*"
    r"(?:(?:anything|something|any ?one|people|we|I|they|others|authors|passages?|the passages?|documents?|do|does|did|have|has|"
    r"had|got|is|are|was|were|it|been)\s+)*"
    r"(?:(?:said|say|says|saying|reported?|reports|written|writes?|wrote|mention(?:s|ed)?|discuss(?:es|ed)?|covers?|covered|"
    r"known|state[sd]?|found|find|tells?|told|conclude[sd]?|anything|something)\b\s*(?:me\s+)?)+"
    r"(?:about|on|of|for|regarding|concerning|as to)?\s*",
    re.I,
)
_LEFT_OVER = re.compile(
    r"^(?:according to|(?:in|from|through|of|within|across|based on|with|for|about|on|by)\b(?=\s*[,:]|\s*$))?[\s,:.;-]*(?:and\s+)?"
    r"(?:(?:about|on|for|regarding)\s+)?(?:the\s+)?",
    re.I,
)
_BEFORE_MENTION = re.compile(
    r"\b(?:according to|based on|in|from|through|of|within|across|with|by|per)\s*$", re.I
)


def subject_words(question: str) -> str:
    """Return what a search is about: a question without courtesy, verbs of asking and the mention of the documents."""
    text = question.strip()
    if not list(find_documents(text)):  # 'search the folder for …': nothing that is known to be a mention
        text = re.sub(
            r"^\s*(?:please|can you|could you|search|look up|find|check)?\s*(?:(?:in|through)\s+)?(?:for|about|on|:)?\s*",
            "", text, count=1, flags=re.IGNORECASE,
        )  # fmt: skip
        return text.rstrip("?. ") or question.strip()
    for found in sorted(find_documents(text), reverse=True):
        before = _BEFORE_MENTION.sub("", text[: found.start])
        text = f"{before.rstrip()} {text[found.end :].lstrip()}"
    text = " ".join(text.split()).lstrip(" ,:;.?")
    for pattern in (_COURTESY, _SEARCHING, _LEFT_OVER, _ASKING, _LEFT_OVER):
        text = pattern.sub("", text.lstrip(" ,:;."), count=1)
    text = re.sub(r"\s+(?=[,.;:?!])", "", text).strip(" ,:;?.")
    return text if re.search(r"\w{3}", text) else question.strip().rstrip("?. ")
