"""The Markdown report, read by an independent CommonMark parser (markdown-it-py, with tables)."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token

from benchmate.agents.contracts import Report
from benchmate.app.report.markdown import code, escape, render_markdown
from benchmate.runtime.artifacts import ArtifactStore
from benchmate.runtime.canonical import canonical_value

OURS = re.compile(r'<a id="[\w-]+">|</a>')


def parsed(text: str) -> list[Token]:
    reader = MarkdownIt("commonmark").enable("table")
    reader.validateLink = lambda url: True  # type: ignore[method-assign]
    tokens = reader.parse(text)
    return [t for block in tokens for t in (block, *(block.children or []))]


def shown(text: str) -> str:
    """Return the text that a reader sees."""
    return "".join(t.content for t in parsed(text) if t.type in ("text", "text_special", "code_inline"))


def test_markup_from_outside_commands_nothing(report: Report, store: ArtifactStore) -> None:
    tokens = parsed(render_markdown(report, store))
    html = [t.content for t in tokens if t.type.startswith("html")]
    assert all(OURS.fullmatch(tag) for tag in html), html
    links = [str(t.attrs["href"]) for t in tokens if t.type == "link_open"]
    assert all(link.startswith(("#", "https://doi.org/")) for link in links)
    assert all(
        str(t.attrs["src"]).startswith("data:image/svg+xml;base64,") for t in tokens if t.type == "image"
    )
    assert [t.tag for t in tokens if t.type == "heading_open"].count("h1") == 1


def test_every_link_leads_somewhere(report: Report, store: ArtifactStore) -> None:
    text = render_markdown(report, store)
    anchors = re.findall(r'<a id="([\w-]+)"></a>', text)
    assert len(anchors) == len(set(anchors))
    links = [str(t.attrs["href"]) for t in parsed(text) if t.type == "link_open"]
    assert {link[1:] for link in links if link.startswith("#")} <= set(anchors)


def test_the_same_report_gives_the_same_bytes(report: Report, store: ArtifactStore) -> None:
    read_back = Report.model_validate(canonical_value(report))
    assert render_markdown(read_back, store) == render_markdown(report, store)


def test_tables_keep_their_shape(reports: dict[str, Report], store: ArtifactStore) -> None:
    for name in ("lead triage", "hostile"):
        report = reports[name]
        tokens = parsed(render_markdown(report, store))
        cells = sum(t.type in ("td_open", "th_open") for t in tokens)
        ours = sum((len(t.rows) + 1) * len(t.columns) for t in report.tables)
        evidence = sum(4 * (len(e.quantities) + 1) for e in report.evidence if e.quantities)
        assert cells == ours + evidence


def test_the_parts_come_in_order(reports: dict[str, Report], store: ArtifactStore) -> None:
    text = render_markdown(reports["lead triage"], store)
    assert re.findall(r"^## (.*)$", text, re.MULTILINE) == [
        "Answer",
        "What failed, and why",
        "Tables",
        "Figures",
        "Claims",
        "What would change the conclusion",
        "Evidence",
        "Versions",
        "How to repeat it",
    ]
    assert text.startswith("# Lead triage of six compounds\n\n> Which of these compounds")
    assert "**! Partial.** Part of what was asked for is missing." in text


def test_a_claim_carries_verdict_method_reason_and_citation(
    reports: dict[str, Report], store: ArtifactStore
) -> None:
    text = render_markdown(reports["lead triage"], store)
    identity = reports["lead triage"].evidence[1].id
    assert re.search(
        r"✗ contradicted: The logP of ibuprofen is 3\.5\.\n"
        r"  \*independent\*: PubChem lists 3\.97, more than 0\.3 away\. "
        rf"\[{identity}#/quantities/logp\]\(#{identity}-2\) \(3\.5\)",
        text,
    )
    assert re.search(r"\| \[3\.5\]\(#C-\w+\) ✗ \|", text)


def test_labels_and_unbacked_numbers_are_visible(reports: dict[str, Report], store: ArtifactStore) -> None:
    text = shown(render_markdown(reports["lead triage"], store))
    assert "[untrusted: came from a paper, a page or another server]" in text
    assert "12 [not backed] hours" in text


def test_commands_are_kept_letter_for_letter(reports: dict[str, Report], store: ArtifactStore) -> None:
    tokens = parsed(render_markdown(reports["lead triage"], store))
    (fence,) = (t for t in tokens if t.type == "fence")
    assert fence.content.splitlines() == list(reports["lead triage"].repeat)


LINES = st.text(
    st.sampled_from(list("ab1 .#*_`[]()<>|\\!&;~-+=:$/\"'{}^lt")), min_size=1, max_size=24
).filter(lambda text: text == " ".join(text.split()) and text)


@given(LINES)
def test_escaped_text_shows_as_it_was_written(text: str) -> None:
    assert shown(f"{escape(text, at_start=True)}\n") == text
    assert shown(f"* {escape(text, at_start=True)}\n") == text
    assert shown(f"| x |\n| --- |\n| y {escape(text)} |\n") == f"xy {text}"


@given(LINES)
def test_code_shows_as_it_was_written(text: str) -> None:
    assert shown(f"x {code(text)}\n") == f"x {text}"


@pytest.mark.parametrize(
    "text", ["# heading", "1. one", "- item", "> quote", "***", "&lt;b&gt;", "<b>", "a_b_c", "C #"]
)
def test_what_looks_like_markdown_is_text(text: str) -> None:
    assert shown(f"{escape(text, at_start=True)}\n") == text
    assert shown(f"# {escape(text)}\n") == text
