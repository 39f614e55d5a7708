"""The command line: every command, and what becomes of what it raises.

Nothing heavy is imported here or in the cli_* modules' heads, so that `benchmate --help` answers at once.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer
from typer.core import TyperGroup

from benchmate.app import (
    cli_chat,
    cli_deploy,
    cli_diff,
    cli_doctor,
    cli_export,
    cli_feedback,
    cli_library,
    cli_memory,
    cli_model,
    cli_policy,
    cli_runs,
    cli_serve,
    cli_tools,
    cli_upkeep,
    cli_workflows,
    output,
)


class Commands(TyperGroup):
    """The root command: what a command returns or raises becomes an exit code and a few words."""

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,
        windows_expand_args: bool = True,
        **extra: Any,
    ) -> NoReturn:
        """Run the command line and exit. `benchmate.app.output` lists the exit codes."""
        words = list(sys.argv[1:] if args is None else args)
        as_json = output.wants_document(words)
        with output.reserved_output(as_json):
            try:
                code = super().main(
                    words, prog_name or "benchmate", complete_var, False, windows_expand_args, **extra
                )
                sys.stdout.flush()
            except BrokenPipeError:
                output.forget_reader()
                code = output.READER_GONE
            except typer.Abort:
                code = output.INTERRUPTED
            except Exception as error:
                code = output.report_error(error, as_json)
        sys.exit(code)

    def invoke(self, ctx: Any) -> Any:
        """Run the command; Ctrl-C ends it with a word."""
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            output.note("interrupted")
            raise typer.Exit(output.INTERRUPTED) from None


app = typer.Typer(
    cls=Commands,
    name="benchmate",
    help="A self-hosted research assistant for science: every number in its reports can be re-derived.",
    epilog="Exit codes: 0 complete, 2 wrong usage or input, 3 partial, 4 failed, 5 refused or waiting for "
    "approval, 6 over budget, 130 interrupted.",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["--help", "-h"]},
)

RUN, WRITE, TOOLS, HERE = "Runs", "Workflows", "Tools and library", "This machine"

app.command("ask", rich_help_panel=RUN)(cli_runs.ask)
app.command("chat", rich_help_panel=RUN)(cli_chat.chat)
app.command("run", rich_help_panel=RUN)(cli_runs.run)
app.command("resume", rich_help_panel=RUN)(cli_runs.resume)
app.command("replay", rich_help_panel=RUN)(cli_runs.replay)
app.command("show", rich_help_panel=RUN)(cli_runs.show)
app.command("diff", rich_help_panel=RUN)(cli_diff.diff)
app.command("export", rich_help_panel=RUN)(cli_export.export)
sessions = typer.Typer(help="List, fork and forget the sessions of `benchmate chat`.")
sessions.command("list")(cli_chat.list_sessions)
sessions.command("fork")(cli_chat.fork_session)
sessions.command("rm")(cli_chat.remove_session)
app.add_typer(sessions, name="sessions", rich_help_panel=RUN)
feedback = typer.Typer(help="Mark runs as good or bad, and export them for training.")
feedback.command("add")(cli_feedback.add_feedback)
feedback.command("list")(cli_feedback.list_feedback)
feedback.command("export")(cli_feedback.export_feedback)
app.add_typer(feedback, name="feedback", rich_help_panel=RUN)
memory = typer.Typer(help="Names of your own that questions may use: set, list, forget.")
memory.command("list")(cli_memory.list_memory)
memory.command("set")(cli_memory.set_memory)
memory.command("forget")(cli_memory.forget_memory)
app.add_typer(memory, name="memory", rich_help_panel=RUN)
runs = typer.Typer(help="List and remove the runs that are kept.")
runs.command("list")(cli_upkeep.list_runs)
runs.command("rm")(cli_upkeep.remove_runs)
runs.command("gc")(cli_upkeep.clear_runs)
app.add_typer(runs, name="runs", rich_help_panel=RUN)
app.command("validate", rich_help_panel=WRITE)(cli_workflows.validate)
app.command("plan", rich_help_panel=WRITE)(cli_workflows.plan)
app.command("schema", rich_help_panel=WRITE)(cli_workflows.schema)

tools = typer.Typer(help="List, explain and call tools; fetch the data sets they read.")
tools.command("list")(cli_tools.list_tools)
tools.command("show")(cli_tools.show_tool)
tools.command("call")(cli_tools.call_tool)
tools.command("fetch")(cli_tools.fetch_dataset)
tools.command("table")(cli_tools.make_table)
app.add_typer(tools, name="tool", rich_help_panel=TOOLS)
app.command("ingest", rich_help_panel=TOOLS)(cli_library.ingest)
app.command("search", rich_help_panel=TOOLS)(cli_library.search)

policy = typer.Typer(help="Show what the policy in force allows, asks and denies; check a policy file.")
policy.command("show")(cli_policy.show_policy)
policy.command("check")(cli_policy.check_policy)
app.add_typer(policy, name="policy", rich_help_panel=HERE)
model = typer.Typer(help="Fetch the built-in model, or look whether it is here.")
model.command("pull")(cli_model.pull_model)
model.command("status")(cli_model.show_model)
app.add_typer(model, name="model", rich_help_panel=HERE)
deploy = typer.Typer(help="Plan, check, start, watch and stop an LMDeploy model server on your GPUs.")
deploy.command("presets")(cli_deploy.presets)
deploy.command("plan")(cli_deploy.plan)
deploy.command("check")(cli_deploy.check)
deploy.command("render")(cli_deploy.render)
deploy.command("up")(cli_deploy.up)
deploy.command("status")(cli_deploy.status)
deploy.command("down")(cli_deploy.down)
app.add_typer(deploy, name="deploy", rich_help_panel=HERE)
app.command(
    "serve-local",
    rich_help_panel=HERE,
    context_settings={"allow_extra_args": True, "ignore_unknown_options": True},
)(cli_serve.serve_local)
app.command("doctor", rich_help_panel=HERE)(cli_doctor.doctor)


def _version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import PackageNotFoundError, version

        try:
            print(f"benchmate {version('benchmate')}")
        except PackageNotFoundError:
            print("benchmate (from source, not installed)")
        raise typer.Exit


@app.callback(invoke_without_command=True)
def root(
    context: typer.Context,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Say which version this is.")
    ] = False,
    log_file: Annotated[
        Path | None,
        typer.Option(
            "--log-file",
            metavar="FILE",
            help="Append a log to this file, as JSON lines. Default: the setting `log.file`.",
        ),
    ] = None,
) -> None:
    if log_file is not None:  # for every command, and for the processes that it starts
        os.environ["BENCHMATE_LOG__FILE"] = str(log_file.absolute())
    if context.invoked_subcommand is None:
        print(context.get_help())


def main() -> NoReturn:
    """The console script `benchmate`."""
    for stream in (sys.stdout, sys.stderr):  # a terminal that cannot show Å is no reason to fail
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="replace")
    app()
    raise AssertionError("a command line ends with an exit code")


if __name__ == "__main__":
    main()
