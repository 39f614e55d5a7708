"""Slash commands: each declared once; help, completion and what is understood follow from that."""

from __future__ import annotations

import shlex
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from benchmate.runtime.errors import InvalidInput, did_you_mean

if TYPE_CHECKING:
    from benchmate.app.repl.chat import Chat

Handler = Callable[["Chat", list[str]], Awaitable[None]]
Completer = Callable[["Chat"], Iterable[str]]


@dataclass(frozen=True)
class Command:
    """What a person may type after a slash."""

    name: str
    usage: str
    help: str
    run: Handler
    words: Completer | None = None  # what its argument may be
    takes_path: bool = False
    most: int | None = None  # arguments; None is any number

    @property
    def synopsis(self) -> str:
        """The command as it is typed."""
        return f"/{self.name} {self.usage}".rstrip()


COMMANDS: dict[str, Command] = {}


def command(
    usage: str = "", *, words: Completer | None = None, takes_path: bool = False, most: int | None = None
) -> Callable[[Handler], Handler]:
    """Declare the decorated function as a command: its name, and its docstring's first line is its help."""

    def declare(handler: Handler) -> Handler:
        name = handler.__name__.strip("_")
        text = (handler.__doc__ or "").strip().splitlines()[0]
        COMMANDS[name] = Command(name, usage, text, handler, words, takes_path, most)
        return handler

    return declare


def read_command(line: str) -> tuple[Command, list[str]]:
    """Return the command that a line names, by its whole name or a beginning that only it has, and its arguments.

    Raises InvalidInput: `unknown_command`, `bad_quotes`, `too_many_arguments`.
    """
    word, _, rest = line.strip()[1:].partition(" ")
    name = word.lower()
    matches = [name] if name in COMMANDS else [c for c in COMMANDS if name and c.startswith(name)]
    if len(matches) != 1:
        hint = " or ".join(f"/{m}" for m in matches) or did_you_mean(name, COMMANDS)
        raise InvalidInput("unknown_command", f"there is no command /{word}", hint=f"{hint}; /help lists all")
    found = COMMANDS[matches[0]]
    try:
        arguments = shlex.split(rest)
    except ValueError:
        if not found.takes_path and found.most is None:
            arguments = rest.split()  # a reason in plain words: 'it isn't so'
        else:
            raise InvalidInput("bad_quotes", f"a quote is not closed in {rest!r}") from None
    if found.most is not None and len(arguments) > found.most:
        raise InvalidInput(
            "too_many_arguments", f"/{found.name} takes no {arguments[found.most]!r}", hint=found.synopsis
        )
    return found, arguments
