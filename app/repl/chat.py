"""The chat: what is typed becomes a command or the next turn of a session; the loop, the model it keeps warm, and Ctrl-C."""

from __future__ import annotations

import asyncio
import signal
import threading
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING, Any, Protocol

from benchmate.app.cli_approvals import ask_person
from benchmate.app.memory import Memory
from benchmate.app.repl import actions  # noqa: F401  declares the commands
from benchmate.app.repl.commands import read_command
from benchmate.app.repl.screen import Screen, is_terminal
from benchmate.app.sessions import Session, Sessions, Turn
from benchmate.runtime.calls import STOPPED
from benchmate.runtime.errors import BenchmateError, InvalidInput

if TYPE_CHECKING:
    from benchmate.agents.approval import ApprovalAnswer, ApprovalRequest
    from benchmate.agents.contracts import Plan
    from benchmate.app.progress import LiveProgress
    from benchmate.app.runs import RunOutcome
    from benchmate.runtime.budget import BudgetLimits
    from benchmate.runtime.settings import Settings


class Entry(Protocol):
    """Where lines come from: a person at a terminal, or a pipe."""

    async def read(self, chat: Chat) -> str | None:
        """Return the next line, or None at the end. Raises KeyboardInterrupt when a person clears the line."""


class Chat:
    """A person's conversation with the assistant."""

    def __init__(
        self,
        sessions: Sessions,
        screen: Screen,
        *,
        budget: BudgetLimits | None = None,
        engine: Any = None,
        terminal: bool = False,
    ) -> None:
        self.sessions, self.screen = sessions, screen
        self.budget = budget  # of each turn; None: what a workflow says, or what a run was begun with
        self.details = False
        self.ended = False
        self.pictures: list[str] = []  # attached, for the next question to a model that takes them
        self._engine, self._own_engine = engine, engine is None
        self._terminal = terminal
        self._opened = ExitStack()
        self._session: Session | None = None

    @property
    def settings(self) -> Settings:
        """The settings in force."""
        return self.sessions.settings

    @property
    def session(self) -> Session:
        """The session that is open."""
        assert self._session is not None
        return self._session

    @property
    def memory(self) -> Memory:
        """What the person confirmed."""
        return Memory(self.sessions.database, self.settings.person)

    def enter(self, name: str | None = None, *, private: bool = False) -> None:
        """Open a session, a new one without a name; the one before is left only when the other could be opened.

        Raises what `Sessions.open` raises.
        """
        if (
            self._session is not None
            and name is not None
            and self.sessions.find(name).id == self._session.info.id
        ):
            return
        stack = ExitStack()
        session = stack.enter_context(self.sessions.open(name, private=private))
        self._opened.close()
        self._opened, self._session = stack, session

    async def use(self, settings: Settings) -> None:
        """Go on under other settings, with their model."""
        settings.model  # noqa: B018  names the profile that does not exist before anything changes
        self.sessions.settings = settings
        self.session.settings = settings
        if self._own_engine and self._engine is not None:
            await self._engine.aclose()
            self._engine = None

    async def close(self) -> None:
        """Leave the session and give the model up."""
        self._opened.close()
        if self._own_engine and self._engine is not None:
            await self._engine.aclose()
            self._engine = None

    async def run(self, entry: Entry) -> None:
        """Read lines and answer them until the end."""
        while not self.ended:
            try:
                line = await entry.read(self)
            except KeyboardInterrupt:
                continue
            if line is None:
                break
            await self.handle(line)

    async def handle(self, line: str) -> None:
        """Do what a line says. What goes wrong is shown, and ends nothing."""
        if not line.strip():
            return
        try:
            if line.lstrip().startswith("/"):
                command, arguments = read_command(line)
                await command.run(self, arguments)
            else:
                await self.ask(line.strip())
        except BenchmateError as error:
            self.screen.error(error)
        finally:
            self.session.draft = ""

    # --- turns ------------------------------------------------------------------------------------------------------

    async def ask(
        self,
        question: str | Plan | None = None,
        *,
        workflow: str | None = None,
        inputs: Mapping[str, Any] | None = None,
    ) -> None:
        """Answer a question, or run a plan or a workflow, as the next turn. A workflow has limits of its own where the chat has none."""
        if isinstance(question, str):
            question, used = self.memory.understood(question)
            self.screen.say(*(one.told for one in used), style="dim")
        attach, self.pictures = self.pictures, []
        session = self.session

        async def start(progress: LiveProgress, stop: threading.Event) -> RunOutcome:
            return await session.ask(
                question, workflow=workflow, inputs=inputs, engine=self.engine(), listeners=[progress.listen], approver=self._approver(progress),
                budget=self.budget, attach=attach, stop=stop,
            )  # fmt: skip

        await self._drive(start)

    async def go_on(self, answer: ApprovalAnswer | None = None) -> None:
        """Go on with the last turn. Raises InvalidInput (`nothing_to_go_on`) when it has ended."""
        session = self.session
        turn = session.turn()
        if session.unfinished() is None and turn.outcome().status != "budget":
            raise InvalidInput(
                "nothing_to_go_on",
                f"turn {turn.number} has ended",
                hint="ask something, or /edit its plan and run it again",
            )

        own = (
            not self._own_engine or turn.profile == self.settings.profile
        )  # a run keeps the model that it was begun with

        async def start(progress: LiveProgress, stop: threading.Event) -> RunOutcome:
            progress.recall(turn.folder)
            return await session.resume(
                engine=self.engine() if own else None, listeners=[progress.listen], approver=self._approver(progress),
                answer=answer, budget=self.budget, stop=stop,
            )  # fmt: skip

        await self._drive(start)

    async def _drive(self, start: Callable[[LiveProgress, threading.Event], Awaitable[RunOutcome]]) -> None:
        stop = threading.Event()
        with self.screen.progress(details=self.details) as progress:
            task = asyncio.ensure_future(start(progress, stop))
            with _interrupts(task, stop, progress):
                try:
                    outcome = await task
                except asyncio.CancelledError:
                    stopped = "cancelled"
                except BenchmateError as error:
                    if error.code != STOPPED:
                        raise
                    stopped = "stopped"
                else:
                    stopped = ""
        if stopped:
            self.screen.say(f"{stopped}; what was done is kept, and /resume goes on with it", style="yellow")
            return
        self.screen.answer(outcome, self.session.turn().number)

    def engine(self) -> Any:
        """Return the model, which stays warm between turns."""
        if self._engine is None:
            from benchmate.app.cli_model import fetch_on_first_use
            from benchmate.model.factory import make_engine

            fetch_on_first_use(self.settings, quiet=False)
            self._engine = make_engine(self.settings)
        return self._engine

    def _approver(self, progress: LiveProgress) -> Callable[[ApprovalRequest], ApprovalAnswer | None] | None:
        """Return who answers while a run waits: the person, where there is one; else it waits for /approve."""
        if not self._terminal:
            return None

        def ask(request: ApprovalRequest) -> ApprovalAnswer | None:
            with progress.paused():
                return ask_person(request)

        return ask

    def turn_of(self, arguments: list[str]) -> Turn:
        """Return the turn that arguments name by its number, the last one without. Raises InvalidInput (`not_a_number`), NotFound."""
        if not arguments:
            return self.session.turn()
        if not arguments[0].isdigit():
            raise InvalidInput(
                "not_a_number", f"{arguments[0]!r} is no number of a turn", hint="/turns lists them"
            )
        return self.session.turn(int(arguments[0]))


@contextmanager
def _interrupts(task: asyncio.Future[Any], stop: threading.Event, progress: LiveProgress) -> Iterator[None]:
    """Let the first Ctrl-C stop a run at its next safe point, and the second at once."""
    from benchmate.runtime.events import Event

    def interrupt() -> None:
        if stop.is_set():
            task.cancel()
            return
        stop.set()
        text = "stopping when what has begun is recorded; Ctrl-C again stops at once"
        progress.listen(Event(kind="notice", data={"text": text}))

    loop = asyncio.get_running_loop()
    try:
        loop.add_signal_handler(signal.SIGINT, interrupt)
    except (NotImplementedError, RuntimeError, ValueError):  # Windows, or no main thread: Ctrl-C raises there
        yield
        return
    try:
        yield
    finally:
        loop.remove_signal_handler(signal.SIGINT)


def terminal_here() -> bool:
    """Return whether a person sits at both ends."""
    import sys

    return is_terminal(sys.stdin) and is_terminal(sys.stdout)
