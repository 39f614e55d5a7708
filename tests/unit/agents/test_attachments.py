"""Pictures and signals that come with a question: read, kept, refused, and shown to the model that takes them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scientist import Scientist, conclusion, planned

from benchmate.agents.attachments import part_of, read_attachment, source_of
from benchmate.app.runs import execute, replay_run, resume_run
from benchmate.model.engine import Message, RecordedEngine, Sampling
from benchmate.model.http_engine import HttpEngine
from benchmate.model.lmdeploy_api import LMDeploy
from benchmate.runtime.artifacts import ArtifactStore
from benchmate.runtime.errors import InvalidInput, NotFound, Transient
from benchmate.runtime.journal import Journal
from benchmate.runtime.settings import ModelProfile, Settings, load_settings

PNG = b"\x89PNG\r\n\x1a\nthe rest is the server's to read"


@pytest.fixture
def seeing() -> Settings:
    profile = ModelProfile(plans=True, judges=True, accepts=("image", "signal"))
    return load_settings(profile="seeing", profiles={"seeing": profile})


@pytest.fixture
def store(tmp_path: Path) -> ArtifactStore:
    (tmp_path / "artifacts").mkdir()
    return ArtifactStore(tmp_path / "artifacts")


@pytest.mark.parametrize(
    ("given", "path", "rate"),
    [
        ("trace.npy", "trace.npy", None),
        ("trace.npy@100", "trace.npy", 100.0),
        ("trace.npy@100 Hz", "trace.npy", 100.0),
        ("trace.npy@2kHz", "trace.npy", 2000.0),
        ("a@b/trace.csv@0.5 mHz", "a@b/trace.csv", 0.0005),
        ({"file": "trace.npy", "sampling_rate": 250}, "trace.npy", 250.0),
        ({"file": "trace.npy", "sampling_rate": "1e3 Hz"}, "trace.npy", 1000.0),
        ({"file": "gel.png"}, "gel.png", None),
        ("me@lab.png", "me@lab.png", None),
    ],
)
def test_a_source_is_a_path_and_perhaps_a_rate(given: Any, path: str, rate: float | None) -> None:
    found = source_of(given)
    assert found[0] == Path(path)
    assert found[1] == (None if rate is None else pytest.approx(rate, rel=1e-12))


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ("trace.npy@0 Hz", "no sampling rate"),
        ("trace.npy@3 m", "no sampling rate"),
        ("trace.npy@3 furlong", "no sampling rate"),
        ({"file": "trace.npy", "sampling_rate": "fast"}, "no sampling rate"),
        ({"path": "trace.npy"}, "sampling_rate: …"),
        ({"file": "trace.npy", "rate": 100}, "sampling_rate: …"),
    ],
)
def test_a_bad_source_is_refused_by_name(given: Any, says: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        source_of(given)
    assert caught.value.code == "bad_attachment"
    assert says in f"{caught.value} {caught.value.hint}"


@given(st.lists(st.floats(-1e6, 1e6, width=32), min_size=1, max_size=50), st.integers(1, 3))
def test_a_signal_arrives_as_the_numbers_it_was(samples: list[float], channels: int) -> None:
    import base64
    import io
    import tempfile

    array = np.array([samples] * channels, dtype=np.float32).T if channels > 1 else np.array(samples, "f4")
    with tempfile.TemporaryDirectory() as folder:
        np.save(Path(folder) / "x.npy", array)
        store = ArtifactStore(Path(folder))
        attachment = read_attachment({"file": f"{folder}/x.npy", "sampling_rate": 50}).keep(store)
        part = part_of(attachment, store)["time_series_url"]
    sent = np.load(io.BytesIO(base64.b64decode(part["url"].partition(",")[2])))
    assert np.array_equal(sent, array)
    assert sent.dtype == array.dtype
    assert (part["sampling_rate"], attachment.shape) == (50, array.shape)


def test_a_table_of_numbers_is_a_signal_with_or_without_a_head(tmp_path: Path) -> None:
    (tmp_path / "named.csv").write_text("north,east\n1,2\n3,4\n5,6\n")
    (tmp_path / "bare.txt").write_text("1e-3 2\n3 nan\n")
    assert read_attachment(f"{tmp_path}/named.csv@1 Hz").shape == (3, 2)
    with pytest.raises(InvalidInput, match="not finite"):
        read_attachment(f"{tmp_path}/bare.txt@1 Hz")


@pytest.mark.parametrize(
    ("name", "content", "rate", "says"),
    [
        ("gel.png", b"GIB8 no picture", "", "neither a picture"),
        ("gel.png", PNG, "@100 Hz", "no sampling rate"),
        ("trace.npy", b"\x93NUMPY", "@100 Hz", "no file of numbers"),
        ("trace.npy", b"", "@100 Hz", "no file of numbers"),
        ("trace.csv", b"1,2\n3\n", "@100 Hz", "no file of numbers"),
        ("trace.csv", b"1,2\n3,4\n", "", "needs its sampling rate"),
        ("trace.csv", b"\xff\xfe", "@100 Hz", "no file of numbers"),
    ],
)
def test_a_bad_file_is_refused_by_name(
    tmp_path: Path, name: str, content: bytes, rate: str, says: str
) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InvalidInput, match=says) as caught:
        read_attachment(f"{tmp_path / name}{rate}")
    assert caught.value.code == "bad_attachment"
    assert name in str(caught.value)


def test_a_missing_file_and_a_folder(tmp_path: Path) -> None:
    with pytest.raises(NotFound):
        read_attachment(tmp_path / "gone.png")
    with pytest.raises(InvalidInput, match="cannot be read"):
        read_attachment(tmp_path)


async def test_a_model_that_does_not_see_is_not_asked_and_no_run_begins(
    tmp_path: Path, inline_tools: None, free: Settings
) -> None:
    (tmp_path / "gel.png").write_bytes(PNG)
    with pytest.raises(InvalidInput, match=r"takes no images.*gel\.png") as caught:
        await execute(
            question="What is it?", attach=[tmp_path / "gel.png"], out=tmp_path / "runs", settings=free,
            engine=Scientist().engine,
        )  # fmt: skip
    assert caught.value.code == "not_accepted"
    assert not (tmp_path / "runs").exists()


async def test_every_agent_sees_them_and_a_replay_needs_no_file(
    tmp_path: Path, inline_tools: None, seeing: Settings
) -> None:
    (tmp_path / "gel.png").write_bytes(PNG)
    np.save(tmp_path / "trace.npy", np.arange(4.0))
    scientist = Scientist(
        plan=[planned(("chemist", "Look."), ("biologist", "Look too."))], final=[conclusion("A gel.")]
    )
    outcome = await execute(
        question="What is it?", attach=[tmp_path / "gel.png", f"{tmp_path}/trace.npy@10 Hz"],
        out=tmp_path / "runs", settings=seeing, engine=scientist.engine,
    )  # fmt: skip
    told = scientist.asked["plan"][0].messages[-1].text
    assert "gel.png (a picture)" in told
    assert "trace.npy (a signal: 4 samples at 10 Hz)" in told
    seen = [asked.messages[1].content for asked in scientist.asked["turns"]]
    assert [[part["type"] for part in content] for content in seen] == [
        ["text", "image_url", "time_series_url"]
    ] * 2
    journal = Journal(outcome.folder / "journal.sqlite", read_only=True)
    records = json.dumps([r.body for r in journal.records()])
    journal.close()
    assert "base64" not in records
    assert ";sha256," in records
    (tmp_path / "gel.png").unlink()
    (tmp_path / "trace.npy").unlink()
    again = await replay_run(outcome.folder, out=tmp_path / "again")
    for name in ("report.md", "report.html", "ro-crate-metadata.json"):
        assert (again.folder / name).read_bytes() == (outcome.folder / name).read_bytes()


async def test_a_run_that_broke_off_goes_on_without_the_file(
    tmp_path: Path, inline_tools: None, seeing: Settings
) -> None:
    (tmp_path / "gel.png").write_bytes(PNG)

    def breaks(asked: Any) -> Any:
        raise RuntimeError("the power went")

    broken = Scientist(plan=[planned(("chemist", "Look."))], turns=[breaks])
    with pytest.raises(RuntimeError, match="power"):
        await execute(
            question="What is it?", attach=[tmp_path / "gel.png"], out=tmp_path / "runs", settings=seeing,
            engine=broken.engine,
        )  # fmt: skip
    (tmp_path / "gel.png").unlink()
    (folder,) = (tmp_path / "runs").iterdir()
    well = Scientist(plan=[Transient("x", "the plan is known")], final=[conclusion("A gel.")])
    outcome = await resume_run(folder, settings=seeing, engine=well.engine)
    assert outcome.status == "complete"
    assert not well.asked["plan"]
    assert [p["type"] for p in well.asked["turns"][0].messages[1].content] == ["text", "image_url"]


async def test_a_workflow_names_what_an_agent_looks_at(
    tmp_path: Path, inline_tools: None, seeing: Settings
) -> None:
    (tmp_path / "gel.png").write_bytes(PNG)
    (tmp_path / "look.yaml").write_text(
        "schema: benchmate.workflow/v1\nname: look\n"
        "inputs:\n  gel: {type: image, default: gel.png}\n  other: {type: image, required: false}\n"
        "steps:\n  - id: look\n    agent: chemist\n    with: {goal: What is it?, attach: ['${inputs.gel}', '${inputs.other}']}\n"
    )
    scientist = Scientist(final=[conclusion("A gel.")])
    outcome = await execute(
        workflow=str(tmp_path / "look.yaml"), out=tmp_path / "runs", settings=seeing, engine=scientist.engine
    )
    assert [p["type"] for p in scientist.asked["turns"][0].messages[1].content] == ["text", "image_url"]
    assert outcome.report is not None
    assert [figure.title for figure in outcome.report.figures] == ["gel.png"]


async def test_a_step_that_attaches_something_else_fails_alone(
    tmp_path: Path, inline_tools: None, seeing: Settings
) -> None:
    (tmp_path / "look.yaml").write_text(
        "schema: benchmate.workflow/v1\nname: look\ninputs: {gel: {type: string, default: gel.png}}\n"
        "steps:\n  - id: look\n    agent: chemist\n    with: {goal: What is it?, attach: ['${inputs.gel}']}\n"
    )
    outcome = await execute(
        workflow=str(tmp_path / "look.yaml"), out=tmp_path / "runs", settings=seeing, engine=Scientist().engine
    )  # fmt: skip
    assert outcome.report is not None
    assert [f.error.code for f in outcome.report.failures] == ["bad_attachment"]


async def test_a_part_that_is_no_base64_is_a_typed_error() -> None:
    url = {"url": "data:image/png;base64,A"}
    message = Message(role="user", content=[{"type": "image_url", "image_url": url}])
    inner = HttpEngine("http://127.0.0.1:1", "m", dialect=LMDeploy())
    engine = RecordedEngine(inner, name="m", version="1")
    with pytest.raises(InvalidInput) as caught:
        await engine.chat([message], sampling=Sampling())
    await engine.aclose()
    assert caught.value.code == "bad_part"
