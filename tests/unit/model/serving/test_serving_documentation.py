"""docs/deploy.md: its memory table is what the plan says, its files are deployments, its commands exist."""

import json
import re
from pathlib import Path

import pytest
from ruamel.yaml import YAML

from benchmate.model.serving.plan import Plan, plan_of
from benchmate.model.serving.presets import deployment_of

PAGE = (Path(__file__).parents[4] / "docs" / "deploy.md").read_text(encoding="utf-8")
ROWS = re.findall(r"^\| `(intern-s[^`]*)` \| ([\d.]+) \| (\d+) \| ([\d.]+) \| (\d+) \|$", PAGE, re.MULTILINE)
FILES = re.findall(r"^```yaml\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)


def planned(words: str) -> Plan:
    preset, *pairs = words.split()
    changes = {}
    for pair in pairs:
        key, _, text = pair.partition("=")
        changes[key] = json.loads(text) if text[0] in "[{0123456789" else text
    if changes.get("tp") == 2:
        changes["gpus.per_node"] = 2
    return plan_of(deployment_of(preset, changes))


def test_the_page_has_a_table_and_files() -> None:
    assert len(ROWS) == 8 and len(FILES) == 3


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_the_memory_table(row: tuple[str, ...]) -> None:
    words, weights, kib, cache, tokens = row
    plan = planned(words)
    assert plan.memory is not None and plan.refused == ()
    found = (plan.memory.weights / 1e9, plan.memory.kv_per_token / 1024, plan.memory.kv_cache / 1e9)
    assert found == pytest.approx((float(weights), float(kib), float(cache)), abs=0.05)
    assert plan.memory.tokens_per_copy == int(tokens)


@pytest.mark.parametrize("text", FILES)
def test_the_files_are_deployments_that_are_not_refused(text: str) -> None:
    values = dict(YAML(typ="safe").load(text))
    assert plan_of(deployment_of(values.pop("preset"), values)).refused == ()


def test_the_commands_exist() -> None:
    from typer.main import get_command

    from benchmate.app.cli import app

    known = get_command(app).commands["deploy"].commands  # type: ignore[attr-defined]
    named = set(re.findall(r"(?:benchmate |`)deploy (\w+)", PAGE))
    assert named == set(known)
