"""What each slash command does."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from benchmate.app.repl.commands import COMMANDS, command
from benchmate.app.report.text import one_line, shortened
from benchmate.app.report.view import VERDICT_MARKS
from benchmate.runtime.errors import BenchmateError, InvalidInput, NotFound, did_you_mean

if TYPE_CHECKING:
    from benchmate.agents.contracts import Claim, EvidenceLine, Plan, Report
    from benchmate.app.repl.chat import Chat

WIDE = 70  # characters of a question in a list


def _sessions(chat: Chat) -> Iterable[str]:
    return [session.id for session in chat.sessions.list()]


def _turns(chat: Chat) -> Iterable[str]:
    return [str(turn.number) for turn in chat.session.turns]


def _evidence_ids(chat: Chat) -> Iterable[str]:
    report = chat.session.turn().outcome().report if chat.session.turns else None
    return [line.id for line in report.evidence] if report else []


def _claims(chat: Chat) -> Iterable[str]:
    report = chat.session.turn().outcome().report if chat.session.turns else None
    return [str(n) for n in range(1, len(report.claims) + 1)] if report else []


def _tools(chat: Chat) -> Iterable[str]:
    from benchmate.tools.registry import load_registry

    return load_registry().offered


def _profiles(chat: Chat) -> Iterable[str]:
    from benchmate.runtime.settings import PROFILES

    return {**PROFILES, **chat.settings.profiles}


# --- the conversation -----------------------------------------------------------------------------------------------


@command(words=lambda chat: COMMANDS, most=1)
async def help(chat: Chat, arguments: list[str]) -> None:
    """Say what can be typed."""
    if arguments:
        name = arguments[0].lstrip("/")
        if name not in COMMANDS:
            raise InvalidInput(
                "unknown_command", f"there is no command /{name}", hint=did_you_mean(name, COMMANDS)
            )
        found = COMMANDS[name]
        chat.screen.say(
            found.synopsis, *(line.strip() for line in (found.run.__doc__ or "").strip().splitlines())
        )
        return
    chat.screen.table([(c.synopsis, c.help) for c in sorted(COMMANDS.values(), key=lambda c: c.name)])
    chat.screen.say(
        "Anything else is a question. Enter sends, Alt-Enter or a backslash at the end begins a new line.",
        "While it works, Ctrl-C stops at the next safe point, a second one at once. Ctrl-D leaves; everything is kept.",
        style="dim",
    )


@command(most=0)
async def quit(chat: Chat, arguments: list[str]) -> None:
    """Leave. Everything is kept."""
    chat.ended = True


@command(most=0)
async def new(chat: Chat, arguments: list[str]) -> None:
    """Begin a new session."""
    chat.enter(private=chat.session.info.private)
    chat.screen.say(f"session {chat.session.info.id}", style="dim")


@command(most=0)
async def sessions(chat: Chat, arguments: list[str]) -> None:
    """List your sessions, the one used last first."""
    rows = []
    for session in chat.sessions.list():
        here = "here" if session.id == chat.session.info.id else ""
        forked = f"forked from {session.parent} after turn {session.forked_after}" if session.parent else ""
        made = f"{datetime.fromtimestamp(session.created):%Y-%m-%d %H:%M}"
        told = " · ".join(filter(None, [here, "private" if session.private else "", forked]))
        rows.append((session.id, made, f"{session.turns} turns", shortened(session.title, 40), told))
    chat.screen.table(rows)


@command("[SESSION]", words=_sessions, most=1)
async def resume(chat: Chat, arguments: list[str]) -> None:
    """Go on with the turn that stopped; with a session's id, go over to that session."""
    if arguments:
        chat.enter(arguments[0])
        chat.screen.say(
            f"session {chat.session.info.id}: {chat.session.info.title or 'nothing asked yet'}", style="dim"
        )
        for turn in chat.session.turns[-3:]:
            chat.screen.say(f"  {turn.number}. {shortened(one_line(turn.question), WIDE)}", style="dim")
        return
    await chat.go_on()


@command(most=0)
async def turns(chat: Chat, arguments: list[str]) -> None:
    """List what was asked in this session."""
    rows = []
    for turn in chat.session.turns:
        try:
            status = turn.outcome().status
        except NotFound:
            status = "gone"
        rows.append((str(turn.number), status, shortened(one_line(turn.question), WIDE), turn.run))
    chat.screen.table(rows)
    if not rows:
        chat.screen.say("nothing was asked in this session yet", style="dim")


@command("[TURN]", words=_turns, most=1)
async def fork(chat: Chat, arguments: list[str]) -> None:
    """Go on in a copy of this session from a turn on; the session itself stays as it is."""
    turn = chat.turn_of(arguments)
    copy = chat.sessions.fork(chat.session.info.id, turn.number)
    chat.enter(copy.id)
    chat.screen.say(f"session {copy.id}, forked after turn {turn.number}", style="dim")


@command("FILE…", takes_path=True)
async def attach(chat: Chat, arguments: list[str]) -> None:
    """Look into files, and let the next questions be about them."""
    from benchmate.app.repl.attaching import is_native, looking_into

    if not arguments:
        raise InvalidInput("no_file", "/attach takes the path of a file", hint="/attach data.csv")
    native = [path for path in arguments if is_native(path, chat.settings)]
    chat.pictures += native
    for path in native:
        chat.screen.say(f"the model gets to see {Path(path).name} with your next question", style="dim")
    await chat.ask(looking_into(arguments))


def _workflows(chat: Chat) -> Iterable[str]:
    from benchmate.workflows.loader import shipped_workflows

    return [*shipped_workflows(), *(str(path) for path in Path().glob("*.y*ml"))]


@command("WORKFLOW [KEY=VALUE…]", words=_workflows)
async def run(chat: Chat, arguments: list[str]) -> None:
    """Run a workflow as the next turn: a YAML file, or the name of one that ships."""
    from benchmate.app.cli_options import workflow_inputs
    from benchmate.workflows.loader import load_workflow

    if not arguments:
        raise InvalidInput("no_workflow", "/run takes a workflow", hint=f"{', '.join(_workflows(chat))}")
    inputs = workflow_inputs(load_workflow(arguments[0]), None, arguments[1:])
    await chat.ask(workflow=arguments[0], inputs=inputs)


@command("FILE.zip [TURN]", takes_path=True, most=2)
async def export(chat: Chat, arguments: list[str]) -> None:
    """Export a turn as a zip: report, figures, evidence as tables, compounds, references."""
    from benchmate.app.export import export_run

    if not arguments:
        raise InvalidInput("no_file", "/export takes the name of a file", hint="/export my_run.zip")
    turn = chat.turn_of(arguments[1:])
    names = export_run(
        turn.folder, Path(arguments[0]), private=chat.session.info.private, person=chat.settings.person
    )
    chat.screen.say(f"turn {turn.number}: {len(names)} files in {arguments[0]}", style="dim")


@command("NAME.yaml [TURN]", takes_path=True, most=2)
async def save(chat: Chat, arguments: list[str]) -> None:
    """Save the calls of this session, or of one turn, as a workflow that can be run again."""
    from benchmate.app.saving import save as save_workflow

    if not arguments:
        raise InvalidInput("no_file", "/save takes the name of a file", hint="/save my_checks.yaml")
    turns = [chat.turn_of(arguments[1:])] if len(arguments) > 1 else chat.session.turns
    made = save_workflow([turn.folder for turn in turns], Path(arguments[0]))
    chat.screen.say(
        f"{len(made.steps or ())} steps saved; `benchmate run {arguments[0]}` runs them", style="dim"
    )


# --- plans ----------------------------------------------------------------------------------------------------------


def _plan_of(chat: Chat, arguments: list[str]) -> Plan:
    from benchmate.agents.contracts import Plan
    from benchmate.runtime.artifacts import ArtifactStore
    from benchmate.runtime.journal import open_existing

    turn = chat.turn_of(arguments)
    journal = open_existing(turn.folder)
    try:
        made = journal.last("plan.set")
    finally:
        journal.close()
    if made is None:
        raise NotFound("no_plan", f"turn {turn.number} has no plan yet", hint="/resume goes on with it")
    return Plan.model_validate(ArtifactStore(turn.folder / "artifacts").get_json(made.body["ref"]))


@command("[TURN]", words=_turns, most=1)
async def plan(chat: Chat, arguments: list[str]) -> None:
    """Show the steps of a turn, what each called, and how it ended."""
    from benchmate.runtime.journal import open_existing

    turn = chat.turn_of(arguments)
    found = _plan_of(chat, arguments)
    journal = open_existing(turn.folder)
    try:
        ended = {r.task: r.body["status"] for r in journal.records("outcome")}
        calls: dict[str, list[str]] = {}
        for record in journal.records("call.finished"):
            if record.body["type"] == "tool":
                how = "failed" if "error" in record.body else "cited" if "cites" in record.body else ""
                calls.setdefault(record.task, []).append(f"{record.body['name']}{f' ({how})' if how else ''}")
    finally:
        journal.close()
    rows = [
        (t.id, ended.get(t.id, "waiting"), t.tool or t.agent or t.kind, one_line(t.title), ", ".join(dict.fromkeys(calls.get(t.id, []))))
        for t in found.tasks
    ]  # fmt: skip
    chat.screen.table(rows, head=("step", "ended", "by", "what", "called"))


@command("[TURN]", words=_turns, most=1)
async def edit(chat: Chat, arguments: list[str]) -> None:
    """Edit the plan of a turn in $EDITOR and run it as the next turn; what did not change is cited."""
    from benchmate.app.cli_approvals import edit_plan

    before = _plan_of(chat, arguments)
    edited = edit_plan(before.model_dump(mode="json", exclude_none=True))
    if edited is None or edited == before:
        chat.screen.say("nothing changed", style="dim")
        return
    fresh = tuple(task.model_copy(update={"attempt": 1, "feedback": None}) for task in edited.tasks)
    await chat.ask(edited.model_copy(update={"made_by": "person", "tasks": fresh, "question": None}))


@command("yes|no [WHY]", words=lambda chat: ("yes", "no"))
async def approve(chat: Chat, arguments: list[str]) -> None:
    """Answer what a turn waits for."""
    from benchmate.agents.approval import ApprovalAnswer

    word = arguments[0].lower() if arguments else ""
    if word not in ("yes", "y", "no", "n"):
        raise InvalidInput("no_answer", "say yes or no", hint="/approve yes, or /approve no because …")
    waiting = chat.session.turn().outcome().waiting
    if waiting is None:
        raise InvalidInput("answer_to_nothing", "nothing waits for an answer")
    answer = ApprovalAnswer(
        approved=word in ("yes", "y"), subject=waiting.subject, note=" ".join(arguments[1:])
    )
    await chat.go_on(answer)


@command("[TURN]", words=_turns, most=1)
async def replay(chat: Chat, arguments: list[str]) -> None:
    """Make a turn's report again from its record alone, and say whether it is the same, byte for byte."""
    import tempfile

    from benchmate.app.runs import replay_run

    turn = chat.turn_of(arguments)
    with tempfile.TemporaryDirectory() as folder:
        again = await replay_run(turn.folder, out=folder)
        same = all(
            (again.folder / name).read_bytes() == (turn.folder / name).read_bytes()
            for name in ("report.md", "report.html")
        )
    chat.screen.say(
        f"turn {turn.number} replayed from its record: the report is {'the same, byte for byte' if same else 'NOT the same'}",
        style="green" if same else "bold red",
    )


# --- how it is known ------------------------------------------------------------------------------------------------


def _report(chat: Chat, arguments: list[str] | None = None) -> Report:
    turn = chat.turn_of(arguments or [])
    report = turn.outcome().report
    if report is None:
        raise NotFound("no_report", f"turn {turn.number} has no report yet", hint="/resume goes on with it")
    return report


def _claim(report: Report, name: str) -> Claim:
    if name.isdigit() and 1 <= int(name) <= len(report.claims):
        return report.claims[int(name) - 1]
    found = next((c for c in report.claims if c.id == name), None)
    if found is None:
        many = f"it has claims 1 to {len(report.claims)}" if report.claims else "it states nothing"
        raise NotFound("no_such_claim", f"this answer has no claim {name!r}", hint=many)
    return found


@command("[CLAIM]", words=_claims, most=1)
async def why(chat: Chat, arguments: list[str]) -> None:
    """Say how a claim of the last answer is known: the evidence, the call, the source, the check."""
    report = _report(chat)
    claim = _claim(report, arguments[0] if arguments else "1")
    verdict = report.verdicts.get(claim.id)
    chat.screen.say(one_line(claim.text), style="bold")
    if verdict is not None:
        mark = VERDICT_MARKS[verdict.status]
        chat.screen.say(f"  {mark.word} ({verdict.method}): {one_line(verdict.reason)}")
    if claim.derivation:
        chat.screen.say(f"  computed as {claim.derivation}")
    for number, citation in enumerate(claim.cites):
        identity, _, path = citation.partition("#")
        line = next((e for e in report.evidence if e.id == identity), None)
        prefix = f"  c{number} = " if claim.derivation else "  from "
        chat.screen.say(f"{prefix}{identity} {path}")
        if line is not None:
            _show_evidence(chat, line, path)


def _show_evidence(chat: Chat, line: EvidenceLine, path: str = "") -> None:
    say = chat.screen.say
    say(f"    {line.tool} {line.tool_version}  {shortened(one_line(line.arguments), 200)}")
    key = path.removeprefix("/quantities/").partition("/")[0]
    for name, quantity in line.quantities.items():
        if path and name != key:
            continue
        method = f", by {one_line(quantity.method)}" if quantity.method else ""
        told = ", ".join(f"{k} {v}" for k, v in (quantity.conditions or {}).items())
        say(f"    {name} = {quantity.format()}{method}{f' ({told})' if told else ''}")
    reference = f"; {one_line(line.reference)}" if line.reference else ""
    say(
        f"    source: {one_line(line.source)}{reference}",
        f"    made {datetime.fromtimestamp(line.at):%Y-%m-%d %H:%M:%S}",
    )
    for warning in line.warnings:
        say(f"    note: {one_line(warning)}", style="yellow")


@command("[ID]", words=_evidence_ids, most=1)
async def evidence(chat: Chat, arguments: list[str]) -> None:
    """List the evidence of the last answer, or show one piece of it whole."""
    report = _report(chat)
    if not arguments:
        rows = [
            (e.id, e.tool, shortened(", ".join(f"{k} {q.format()}" for k, q in e.quantities.items()), 90)) for e in report.evidence
        ]  # fmt: skip
        chat.screen.table(rows)
        return
    matches = [e for e in report.evidence if e.id.startswith(arguments[0])]
    if len(matches) != 1:
        raise NotFound(
            "no_such_evidence", f"this answer has no evidence {arguments[0]!r}",
            hint=did_you_mean(arguments[0], [e.id for e in report.evidence]),
        )  # fmt: skip
    chat.screen.say(matches[0].id, style="bold")
    _show_evidence(chat, matches[0])


@command("[TURN]", words=_turns, most=1)
async def verify(chat: Chat, arguments: list[str]) -> None:
    """Show every claim of an answer with its verdict and how it was reached."""
    report = _report(chat, arguments)
    rows = []
    for number, claim in enumerate(report.claims, 1):
        verdict = report.verdicts.get(claim.id)
        status = verdict.status if verdict else "unchecked"
        told = f"{verdict.method}: {one_line(verdict.reason)}" if verdict else ""
        rows.append((str(number), VERDICT_MARKS[status].word, one_line(claim.text), told))
    chat.screen.table(rows)
    if not rows:
        chat.screen.say("this answer states nothing that could be verified", style="dim")


@command("[WHY]")
async def good(chat: Chat, arguments: list[str]) -> None:
    """Mark the last turn as good, for training and for later."""
    _mark(chat, "good", " ".join(arguments))


@command("[WHY]")
async def bad(chat: Chat, arguments: list[str]) -> None:
    """Mark the last turn as bad, with the reason."""
    _mark(chat, "bad", " ".join(arguments))


def _mark(chat: Chat, verdict: Literal["good", "bad"], reason: str) -> None:
    from benchmate.app.feedback import Feedback

    turn = chat.session.turn()
    Feedback(chat.sessions.database, chat.settings.person).add(turn.folder, verdict, reason)
    chat.screen.say(f"turn {turn.number} is marked as {verdict}", style="dim")


@command("NAME = MEANING")
async def remember(chat: Chat, arguments: list[str]) -> None:
    """Remember what a name of yours means: a structure, a known name, or a sequence."""
    name, equals, value = " ".join(arguments).partition(" = ")
    if not equals:
        raise InvalidInput(
            "no_meaning",
            "/remember takes a name and what it means",
            hint="/remember BM-12 = CC(=O)Nc1ccc(O)cc1",
        )
    chat.screen.say(chat.memory.set(name, value).told, style="dim")


@command(most=0)
async def memory(chat: Chat, arguments: list[str]) -> None:
    """List the names that are remembered."""
    known = chat.memory.all()
    chat.screen.table([(one.name, one.value) for one in known])
    if not known:
        chat.screen.say(
            "nothing is remembered; /remember BM-12 = CC(=O)Nc1ccc(O)cc1 changes that", style="dim"
        )


@command("NAME", words=lambda chat: [one.name for one in chat.memory.all()])
async def forget(chat: Chat, arguments: list[str]) -> None:
    """Forget a name."""
    chat.memory.forget(" ".join(arguments))
    chat.screen.say(f"{' '.join(arguments)} is forgotten", style="dim")


# --- limits, tools, models ------------------------------------------------------------------------------------------


@command("[KEY=VALUE… | off]", words=lambda chat: ("calls=", "tokens=", "usd=", "seconds=", "off"))
async def budget(chat: Chat, arguments: list[str]) -> None:
    """Show or set the limits of each turn: calls, tokens, usd, seconds."""
    from benchmate.app.cli_options import read_budget
    from benchmate.runtime.budget import BudgetLimits

    if arguments == ["off"]:
        chat.budget = BudgetLimits()
    elif arguments:
        chat.budget = read_budget(arguments, chat.budget)
    limits = chat.budget.model_dump(exclude_none=True) if chat.budget else {}
    told = ", ".join(f"{key} {value:g}" for key, value in limits.items())
    chat.screen.say(f"each turn may use at most: {told}" if told else "no limits; /budget calls=20 sets one")


@command(most=0)
async def cost(chat: Chat, arguments: list[str]) -> None:
    """Show what each turn of this session used, and all together."""
    total: dict[str, float] = {}
    rows = []
    for turn in chat.session.turns:
        try:
            usage: dict[str, Any] = dict(turn.outcome().usage)
        except BenchmateError:
            continue
        for key, value in usage.items():
            total[key] = total.get(key, 0) + value
        rows.append((str(turn.number), *_used(usage)))
    rows.append(("all", *_used(total)))
    chat.screen.table(rows, head=("turn", "tool calls", "model calls", "tokens", "USD"))


def _used(usage: dict[str, float]) -> tuple[str, ...]:
    tokens = usage.get("prompt_tokens", 0) + usage.get("completion_tokens", 0)
    return (
        f"{usage.get('tool_calls', 0):g}", f"{usage.get('model_calls', 0):g}", f"{tokens:g}", f"{usage.get('usd', 0):.4f}",
    )  # fmt: skip


@command("[NAME | WORD]", words=_tools, most=1)
async def tools(chat: Chat, arguments: list[str]) -> None:
    """List the tools, those that a word is in, or explain one."""
    from benchmate.app.cli_tools import tool_help
    from benchmate.tools.registry import load_registry

    offered = load_registry().offered
    if arguments and arguments[0] in offered:
        chat.screen.show(tool_help(offered[arguments[0]]))
        return
    word = arguments[0].lower() if arguments else ""
    rows = [
        (n, t.domain, one_line(t.summary))
        for n, t in offered.items()
        if word in f"{n} {t.domain} {t.summary}".lower()
    ]
    if not rows:
        raise NotFound("no_such_tool", f"no tool speaks of {word!r}", hint=did_you_mean(word, offered))
    chat.screen.table(rows)


@command("[NAME]", words=_profiles, most=1)
async def profile(chat: Chat, arguments: list[str]) -> None:
    """Show which model answers, or let another one do it from now on."""
    from benchmate.runtime.settings import load_settings

    if arguments:
        before = chat.settings
        kept = {
            name: getattr(before, name)
            for name in ("mode", "runs_dir", "data_dir", "person", "database", "profiles", "policy")
        }
        await chat.use(load_settings(profile=arguments[0], **kept))
    settings = chat.settings
    model = settings.model
    where = model.base_url or "on this machine"
    chat.screen.say(f"profile {settings.profile}: {model.model}, {where}; mode {settings.mode}")
    if not arguments:
        chat.screen.say(f"there are {', '.join(_profiles(chat))}", style="dim")


@command("[on | off]", words=lambda chat: ("on", "off"), most=1)
async def details(chat: Chat, arguments: list[str]) -> None:
    """Keep the steps of a turn on the screen when it has ended, or fold them away."""
    if arguments and arguments[0] not in ("on", "off"):
        raise InvalidInput("no_switch", f"/details takes on or off, not {arguments[0]!r}")
    chat.details = arguments[0] == "on" if arguments else not chat.details
    chat.screen.say(
        f"the steps are {'kept' if chat.details else 'folded away'} when a turn has ended", style="dim"
    )
