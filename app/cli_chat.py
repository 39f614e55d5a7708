"""`benchmate chat` and `benchmate sessions`: the conversation at the terminal, and those of before."""

from __future__ import annotations

from typing import Annotated

import typer

from benchmate.app import output
from benchmate.app.cli_options import Budget, Json, ModeOption, Out, PolicyFile, Private, Profile

SessionName = Annotated[
    str,
    typer.Argument(
        metavar="SESSION", show_default=False, help="A session's id, the beginning of one, or `last`."
    ),
]


def chat(
    session: Annotated[
        str | None,
        typer.Argument(
            metavar="[SESSION]",
            show_default=False,
            help="The session to go on with: its id, or `last`. Default: a new one.",
        ),
    ] = None,
    profile: Profile = None,
    mode: ModeOption = None,
    out: Out = None,
    policy: PolicyFile = None,
    private: Private = False,
    budget: Budget = None,
    plain: Annotated[
        bool,
        typer.Option(
            "--plain",
            envvar="BENCHMATE_CHAT_PLAIN",
            help="Whole lines and no drawing: for screen readers and slow lines.",
        ),
    ] = False,
) -> int:
    """Talk with the assistant; sessions are kept and can be taken up again."""
    import asyncio
    import sys

    from benchmate.app import cli_options as options
    from benchmate.app.repl.chat import Chat, Entry, terminal_here
    from benchmate.app.repl.entry import PipedLines, TypedLine
    from benchmate.app.repl.screen import Screen
    from benchmate.app.sessions import Sessions

    settings = options.settings_of(out, profile, mode, policy)
    limits = options.read_budget(budget)
    at_terminal = terminal_here()
    screen = Screen(plain=plain or not at_terminal)

    async def talk(sessions: Sessions) -> None:
        talk = Chat(sessions, screen, budget=limits, terminal=at_terminal)
        talk.enter(session, private=private)
        try:
            info = talk.session.info
            told = "private, " if info.private else ""
            screen.say(
                f"benchmate · session {info.id} · {told}profile {settings.profile} · mode {settings.mode}",
                "Ask, or type /help. Everything is kept.",
                style="dim",
            )
            for turn in talk.session.turns[-3:]:
                screen.say(f"  {turn.number}. {turn.question}", style="dim")
            if (unfinished := talk.session.unfinished()) is not None:
                screen.say(f"turn {unfinished.number} has not ended; /resume goes on with it", style="yellow")
            entry: Entry = PipedLines()
            if at_terminal:
                entry = TypedLine(talk, settings.data_dir / "history" / settings.person, plain=plain)
            await talk.run(entry)
            if at_terminal:
                screen.say(f"`benchmate chat {info.id}` goes on with this session", style="dim")
        finally:
            await talk.close()

    with Sessions(settings) as sessions:
        try:
            asyncio.run(talk(sessions))
        except KeyboardInterrupt:
            sys.stdout.write("\n")
            return output.INTERRUPTED
    return output.COMPLETE


def list_sessions(as_json: Json = False) -> int:
    """List your sessions, the one used last first."""
    from dataclasses import asdict
    from datetime import UTC, datetime

    from benchmate.app import cli_options as options
    from benchmate.app.report.text import one_line
    from benchmate.app.sessions import Sessions

    with Sessions(options.settings_of()) as sessions:
        found = sessions.list()
    rows = [
        (s.id, f"{datetime.fromtimestamp(s.created, UTC):%Y-%m-%d %H:%M}", f"{s.turns}", "private" if s.private else "", one_line(s.title))
        for s in found
    ]  # fmt: skip
    return output.emit(as_json, [asdict(s) for s in found], output.grid(rows) if rows else "no sessions yet")


def fork_session(
    name: SessionName,
    after: Annotated[
        int | None,
        typer.Option(
            "--after", metavar="TURN", help="The last turn that both share. Default: the last one there is."
        ),
    ] = None,
    as_json: Json = False,
) -> int:
    """Make a session that shares the turns of another and goes its own way."""
    from dataclasses import asdict

    from benchmate.app import cli_options as options
    from benchmate.app.sessions import Sessions

    with Sessions(options.settings_of()) as sessions:
        made = sessions.fork(name, after)
    return output.emit(as_json, asdict(made), f"session {made.id}; `benchmate chat {made.id}` goes on")


def remove_session(name: SessionName) -> int:
    """Forget a session. Its runs stay where they are."""
    from benchmate.app import cli_options as options
    from benchmate.app.sessions import Sessions

    with Sessions(options.settings_of()) as sessions:
        gone = sessions.remove(name)
    output.note(f"forgot session {gone.id} ({gone.turns} turns); its runs are kept")
    return output.COMPLETE
