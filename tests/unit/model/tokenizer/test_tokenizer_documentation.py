"""docs/tokenizer.md: its code prints what the page says, its command exists, its wheels and ids are those of the code."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from benchmate.model.tokenizer.base import REQUIREMENT
from benchmate.model.tokenizer.corpus import MOLECULES, PROTEINS

PAGE = (Path(__file__).parents[4] / "docs" / "tokenizer.md").read_text("utf-8")
EXAMPLES = re.findall(r"```python\n(.*?)```\n\n```text\n(.*?)```", PAGE, re.DOTALL)


def test_the_code_prints_what_the_page_says(tmp_path: Path) -> None:
    assert len(EXAMPLES) == 3
    (tmp_path / "script.py").write_text("".join(code for code, _ in EXAMPLES), "utf-8")
    done = subprocess.run(
        [sys.executable, "-X", "utf8", "script.py"], cwd=tmp_path, capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == "".join(output for _, output in EXAMPLES)


def test_the_training_command_exists(tmp_path: Path) -> None:
    (command,) = re.findall(r"^\$ python (-m benchmate\S+) --wheels wheels$", PAGE, re.MULTILINE)
    done = subprocess.run(
        [sys.executable, *command.split(), "--help"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0 and "--wheels" in done.stdout


def test_the_wheels_and_their_licences() -> None:
    listed = dict(re.findall(r"^\| ([\w-]+ [\d.]+) \| ([\w.-]+) \|", PAGE, re.MULTILINE))
    assert listed.pop(REQUIREMENT.replace("==", " ")) == "MIT"
    assert listed == {s.requirement.replace("==", " "): s.licence for s in (*MOLECULES, *PROTEINS)}


def test_every_test_set_is_reported() -> None:
    measured = set(re.findall(r"^\| ([\w ]+)\*? \| [\d,]+ \| [\d.]+ \|", PAGE, re.MULTILINE))
    assert {s.name for s in (*MOLECULES, *PROTEINS)} <= measured
