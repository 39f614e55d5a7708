"""The line that is typed: editing, history, completion, drafts that survive; and lines from a pipe."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from prompt_toolkit import PromptSession
from prompt_toolkit.completion import Completer, Completion, PathCompleter, ThreadedCompleter
from prompt_toolkit.document import Document
from prompt_toolkit.history import FileHistory
from prompt_toolkit.key_binding import KeyBindings

from benchmate.app.repl.commands import COMMANDS
from benchmate.runtime.errors import BenchmateError

if TYPE_CHECKING:
    from prompt_toolkit.completion import CompleteEvent
    from prompt_toolkit.key_binding import KeyPressEvent

    from benchmate.app.repl.chat import Chat

SAVE_EVERY = 0.3  # seconds after a key until what is being typed is kept
LEAST_LETTERS = 3  # of a word before names of compounds are offered
MOST_NAMES = 12


class Words(Completer):
    """Completes commands and their arguments, paths, and names of tools and compounds."""

    def __init__(self, chat: Chat) -> None:
        self._chat = chat
        self._paths = PathCompleter(expanduser=True)

    def get_completions(self, document: Document, complete_event: CompleteEvent) -> Iterator[Completion]:
        """Yield what the word before the cursor could become."""
        line = document.text_before_cursor
        if line.startswith("/"):
            yield from self._command(line, document, complete_event)
            return
        word = document.get_word_before_cursor(WORD=True)
        if "/" in word or word.startswith(("~", ".")):
            yield from self._path(word, complete_event)
        elif len(word) >= LEAST_LETTERS:
            yield from (Completion(name, -len(word)) for name in names_like(word.lower()))

    def _command(self, line: str, document: Document, event: CompleteEvent) -> Iterator[Completion]:
        name, space, rest = line[1:].partition(" ")
        if not space:
            for command in sorted(COMMANDS.values(), key=lambda c: c.name):
                if command.name.startswith(name.lower()):
                    yield Completion(f"/{command.name}", -len(line), display_meta=command.help)
            return
        if name not in COMMANDS:
            return
        command = COMMANDS[name]
        word = rest.rpartition(" ")[2]
        if command.takes_path:
            yield from self._path(word, event)
        elif command.words is not None:
            try:
                known = sorted(map(str, command.words(self._chat)))
            except BenchmateError:
                return
            yield from (Completion(k, -len(word)) for k in known if k.startswith(word))

    def _path(self, word: str, event: CompleteEvent) -> Iterator[Completion]:
        yield from self._paths.get_completions(Document(word), event)


def names_like(beginning: str) -> list[str]:
    """Return names of tools and of compounds in the offline table that begin so, the shortest first."""
    from benchmate.tools.chemistry.names import name_table
    from benchmate.tools.registry import load_registry

    tools = [name for name in load_registry().offered if name.startswith(beginning)]
    return [*tools, *name_table().beginning(beginning, MOST_NAMES)][:MOST_NAMES]


class TypedLine:
    """A line edited at a terminal. What is typed and not sent is kept with the session."""

    def __init__(self, chat: Chat, history: Path, *, plain: bool = False, **options: Any) -> None:
        history.parent.mkdir(parents=True, exist_ok=True)
        self._plain = plain
        self._prompt: PromptSession[str] = PromptSession(
            history=FileHistory(str(history)),
            completer=ThreadedCompleter(Words(chat)),
            complete_while_typing=False,
            multiline=True,
            key_bindings=_keys(),
            enable_history_search=True,
            prompt_continuation="  ",
            **options,
        )

    async def read(self, chat: Chat) -> str | None:
        """Return the next line; None at Ctrl-D. Raises KeyboardInterrupt when Ctrl-C clears what was typed."""

        loop = asyncio.get_running_loop()
        pending: list[asyncio.TimerHandle] = []

        def save() -> None:
            pending.clear()
            chat.session.draft = buffer.text

        def keep(_: Any) -> None:
            if not pending:
                pending.append(loop.call_later(SAVE_EVERY, save))

        buffer = self._prompt.default_buffer
        buffer.on_text_changed += keep
        message = "you: " if self._plain else "› "
        try:
            return await self._prompt.prompt_async(message, default=chat.session.draft)
        except EOFError:
            return None
        except KeyboardInterrupt:
            chat.session.draft = ""
            raise
        finally:
            buffer.on_text_changed -= keep
            for timer in pending:
                timer.cancel()


def _keys() -> KeyBindings:
    """Return the keys: Enter sends, Alt-Enter and a backslash at the end begin a new line."""
    keys = KeyBindings()

    @keys.add("enter")
    def _send(event: KeyPressEvent) -> None:
        buffer = event.current_buffer
        if buffer.complete_state is not None and buffer.complete_state.current_completion is not None:
            buffer.complete_state = None
        elif buffer.document.text_before_cursor.endswith("\\"):
            buffer.delete_before_cursor()
            buffer.insert_text("\n")
        else:
            buffer.validate_and_handle()

    @keys.add("escape", "enter")
    def _new_line(event: KeyPressEvent) -> None:
        event.current_buffer.insert_text("\n")

    return keys


class PipedLines:
    """Lines from a pipe or a file; a backslash at the end goes on in the next."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream or sys.stdin

    async def read(self, chat: Chat) -> str | None:
        """Return the next line, shown as it was read; None at the end."""
        parts = []
        while True:
            line = await asyncio.to_thread(self._stream.readline)
            if not line:
                break
            text = line.rstrip("\n")
            parts.append(text.removesuffix("\\"))
            if not text.endswith("\\"):
                break
        if not parts:
            return None
        whole = "\n".join(parts)
        if whole.strip():
            chat.screen.say(f"you: {whole}" if chat.screen.plain else f"› {whole}", style="bold")
        return whole
