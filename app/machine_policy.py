"""The machine's policy: the YAML file that settings or `--policy` name, read with the line of whatever is wrong in it."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from benchmate.runtime.errors import BenchmateError, InvalidInput, NotFound, did_you_mean
from benchmate.runtime.policy import Policy
from benchmate.runtime.settings import Mode, Settings
from benchmate.workflows.document import Document, read_document


class PolicyFile(NamedTuple):
    """A policy as its file has it, with the lines of its rules."""

    policy: Policy
    document: Document

    def line(self, *path: str | int) -> int | None:
        """Return the line that an entry begins in: `line("rules", 2)`."""
        place = self.document.place(path)
        return place[0] if place else None


def machine_policy(settings: Settings) -> Policy | None:
    """Return the policy of the file that the settings name, None where they name none. Raises as `read_policy`."""
    if settings.policy is None:
        return None
    return read_policy(settings.policy, mode=settings.mode).policy


def read_policy(file: Path, *, mode: Mode = Mode.OFFLINE) -> PolicyFile:
    """Return the policy in a YAML file.

    Raises NotFound (`no_such_file`), and InvalidInput (`bad_policy`) with file, line, and the nearest right word.
    """
    from benchmate.tools.hazards import list_id, list_ids

    try:
        text = file.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise NotFound(
            "no_such_file",
            f"there is no policy file {file}",
            hint="the setting `policy` or --policy names it",
        ) from None
    except UnicodeDecodeError:
        raise InvalidInput("bad_policy", f"{file} is not a text file in UTF-8") from None
    try:
        document = read_document(text, str(file))
    except InvalidInput as error:  # it speaks of workflows
        raise InvalidInput(
            "bad_policy", error.info.message, hint=error.hint, details=error.info.details
        ) from None
    data = {} if document.data is None else document.data
    if not isinstance(data, dict):
        raise InvalidInput(
            "bad_policy", f"{file}:1: a policy maps `rules`, `allow_tools` and `hazards` to lists",
            hint="see docs/policy.md",
        )  # fmt: skip
    try:
        policy = Policy.load(data, mode_network=mode is not Mode.REPLAY)
    except InvalidInput as error:
        raise _placed(document, error) from None
    known = list_ids()
    for index, rule in enumerate(policy.hazards):
        if list_id(rule.list) is None:
            raise _placed(
                document,
                InvalidInput(
                    "bad_policy", f"no list of hazards is called {rule.list!r}", hint=did_you_mean(rule.list, known),
                    details={"path": ["hazards", index, "list"]},
                ),
            )  # fmt: skip
    return PolicyFile(policy, document)


def _placed(document: Document, error: BenchmateError) -> InvalidInput:
    """Return the error with the file and line that its path stands in."""
    path = error.info.details.get("path", [])
    line, column = document.place(path) or (1, 1)
    return InvalidInput(
        "bad_policy", f"{document.file}:{line}: {error.info.message}", hint=error.hint,
        details={"file": document.file, "line": line, "column": column, "path": ".".join(map(str, path))},
    )  # fmt: skip
