"""Chat templates in code: messages to the prompt a model was trained on, and its turn back to a message."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, Protocol

from benchmate.model.engine import Message, ToolCall, ToolSpec
from benchmate.runtime.errors import InvalidInput, did_you_mean

SERVER = "server"  # the name of "no renderer": the server applies its own template


class Renderer(Protocol):
    """One chat template."""

    @property
    def stop(self) -> tuple[str, ...]:
        """The strings that end an assistant's turn."""

    @property
    def jinja(self) -> str:
        """The same template for a server."""

    def render(
        self, messages: Sequence[Message], tools: Sequence[ToolSpec] = (), add_generation_prompt: bool = True
    ) -> str:
        """Return the prompt."""

    def parse(self, text: str) -> Message:
        """Return the assistant's turn that a model wrote."""


TOOL_PROMPT = "Call one tool to help with the request. Copy arguments exactly.\nTools:"

# `<|` begins every control token. Inside a turn it is broken up, so that no paper, tool or person can end it
# and go on as another role.
_JINJA = r"""
{%- macro said(message) -%}
{%- if message['content'] is string -%}{{- message['content'] -}}
{%- elif message['content'] -%}
{{- message['content'] | selectattr('type', 'equalto', 'text') | map(attribute='text') | join('\n') -}}
{%- endif -%}
{%- endmacro -%}
{%- macro turn(role, text) -%}
{{- '<|im_start|>' + role + '\n' + (text | replace('<|', '< |')) + '<|im_end|>\n' -}}
{%- endmacro -%}
{%- set ns = namespace(system='', text='') -%}
{%- for message in messages -%}
{%- if message['role'] == 'system' and said(message) -%}
{%- set ns.system = ns.system + ('\n' if ns.system else '') + said(message) -%}
{%- endif -%}
{%- endfor -%}
{%- if tools -%}
{%- set ns.system = ns.system + ('\n' if ns.system else '') + 'TOOL_PROMPT' -%}
{%- for tool in tools -%}
{%- set function = tool['function'] -%}
{%- set names = function['parameters']['properties'].keys() | list | join(', ') -%}
{%- set summary = function['description'].split('\n')[0] -%}
{%- set ns.system = ns.system + '\n' + function['name'] + '(' + names + '): ' + summary -%}
{%- endfor -%}
{%- endif -%}
{%- if ns.system -%}{{- turn('system', ns.system) -}}{%- endif -%}
{%- for message in messages -%}
{%- if message['role'] != 'system' -%}
{%- set ns.text = said(message) -%}
{%- if message['tool_calls'] -%}
{%- for call in message['tool_calls'] -%}
{%- set function = call['function'] -%}
{%- set ns.text = ns.text + ('\n' if ns.text else '') + '{"name": ' + (function['name'] | tojson)
    + ', "arguments": ' + (function['arguments'] | tojson) + '}' -%}
{%- endfor -%}
{%- endif -%}
{{- turn(message['role'], ns.text) -}}
{%- endif -%}
{%- endfor -%}
{%- if add_generation_prompt -%}{{- '<|im_start|>assistant\n' -}}{%- endif -%}
""".replace("TOOL_PROMPT", TOOL_PROMPT.replace("\n", "\\n")).strip()


class ChatML:
    """ChatML with one line for each tool, for small models: `name(argument, …): description`.

    A call is a line of JSON, `{"name": …, "arguments": {…}}`, after the text if there is any.
    """

    stop = ("<|im_end|>",)
    jinja = _JINJA

    def render(
        self, messages: Sequence[Message], tools: Sequence[ToolSpec] = (), add_generation_prompt: bool = True
    ) -> str:
        """Return the prompt. All system messages come first, together, with the tools at their end."""
        system = [message.text for message in messages if message.role == "system"]
        if tools:
            system.append("\n".join([TOOL_PROMPT, *map(_tool_line, tools)]))
        turns = [_turn("system", "\n".join(filter(None, system)))] if any(system) else []
        for message in messages:
            if message.role != "system":
                calls = [_call_line(call) for call in message.tool_calls]
                turns.append(_turn(message.role, "\n".join(filter(None, [message.text, *calls]))))
        return "".join(turns) + ("<|im_start|>assistant\n" if add_generation_prompt else "")

    def parse(self, text: str) -> Message:
        """Return the assistant's turn: the calls at its end, numbered in order, and the text before them."""
        for end in self.stop:
            text = text.split(end, 1)[0]
        lines = text.split("\n")
        calls: list[dict[str, Any]] = []
        while lines and (call := _call_of(lines[-1])) is not None:
            calls.insert(0, call)
            lines.pop()
        numbered = tuple(
            ToolCall(id=f"call_{index}", name=call["name"], arguments=call["arguments"])
            for index, call in enumerate(calls)
        )
        return Message(role="assistant", content="\n".join(lines), tool_calls=numbered)


def _turn(role: str, text: str) -> str:
    return f"<|im_start|>{role}\n{text.replace('<|', '< |')}<|im_end|>\n"


def _tool_line(tool: ToolSpec) -> str:
    summary = tool.description.split("\n")[0]
    return f"{tool.name}({', '.join(tool.parameters.get('properties', {}))}): {summary}"


def _call_line(call: ToolCall) -> str:
    return json.dumps({"name": call.name, "arguments": call.arguments}, ensure_ascii=False)


def _call_of(line: str) -> dict[str, Any] | None:
    if not line.startswith("{"):
        return None
    try:
        found = json.loads(line)
    except json.JSONDecodeError:
        return None
    fits = found.keys() == {"name", "arguments"} and isinstance(found["name"], str)
    return found if fits and isinstance(found["arguments"], dict) else None


RENDERERS: dict[str, Renderer] = {"chatml": ChatML()}


def renderer(name: str) -> Renderer | None:
    """Return the renderer of that name, or None for `server`, which renders itself.

    Raises InvalidInput (`unknown_template`).
    """
    if name == SERVER:
        return None
    if name not in RENDERERS:
        raise InvalidInput(
            "unknown_template",
            f"there is no template {name!r}",
            hint=did_you_mean(name, [*RENDERERS, SERVER]),
        )
    return RENDERERS[name]
