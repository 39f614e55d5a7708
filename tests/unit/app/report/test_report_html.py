"""The HTML page: complete, in order, the same each time, and safe with whatever stands in the report."""

import base64
import itertools
import re
from collections import Counter
from html.parser import HTMLParser
from pathlib import Path

import pytest

from benchmate.agents.contracts import Report
from benchmate.app.report.html import render_html
from benchmate.runtime.artifacts import ArtifactStore
from benchmate.runtime.canonical import canonical_value

VOID = {"meta", "img", "br"}


class Page(HTMLParser):
    """Reads a page: its elements in order, its text, and that what is opened is closed."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self._open: list[str] = []
        self.feed(text)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self._open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        if self._open and self._open[-1] != "style":
            self.texts.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.texts).split())

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]

    @property
    def ids(self) -> list[str]:
        return [a["id"] for _, a in self.elements if a.get("id")]  # type: ignore[misc]


@pytest.fixture
def page(report: Report, store: ArtifactStore) -> Page:
    return Page(render_html(report, store))


def test_every_link_inside_the_page_leads_somewhere(page: Page) -> None:
    targets = {a["href"][1:] for a in page.all("a") if a["href"] and a["href"].startswith("#")}
    assert targets <= set(page.ids)
    assert max(Counter(page.ids).values()) == 1


def test_nothing_is_fetched_and_nothing_runs(page: Page) -> None:
    assert not {tag for tag, _ in page.elements} & {
        "script",
        "link",
        "iframe",
        "object",
        "embed",
        "svg",
        "form",
        "base",
    }
    for tag, attributes in page.elements:
        assert not any(name.startswith("on") for name in attributes), tag
        assert (attributes.get("src") or "data:image/").startswith("data:image/")
        assert (attributes.get("href") or "#").startswith(("#", "https://", "http://"))
        assert tag == "a" or "href" not in attributes
    style = re.search(r"<style>(.*?)</style>", page.rawdata or "", re.DOTALL)
    assert style is None or "url(" not in style[1]


def test_headings_come_in_steps_and_pictures_have_words(page: Page) -> None:
    levels = [int(tag[1]) for tag, _ in page.elements if re.fullmatch("h[1-6]", tag)]
    assert levels[0] == 1 and levels.count(1) == 1
    assert all(b - a <= 1 for a, b in itertools.pairwise(levels))
    assert all(a.get("alt") for a in page.all("img"))
    assert all(a.get("scope") in ("row", "col") for a in page.all("th"))
    labelled = {a["aria-labelledby"] for _, a in page.elements if "aria-labelledby" in a}
    assert labelled <= set(page.ids)


def test_the_same_report_gives_the_same_bytes(
    report: Report, store: ArtifactStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = render_html(report, store)
    monkeypatch.setenv("TZ", "Pacific/Auckland")
    monkeypatch.setenv("LC_ALL", "de_DE.UTF-8")
    read_back = Report.model_validate(canonical_value(report))  # its mappings are sorted now
    assert render_html(read_back, store) == first


def test_a_reader_finds_things_in_order(reports: dict[str, Report], store: ArtifactStore) -> None:
    page = Page(render_html(reports["lead triage"], store))
    order = [
        "Lead triage of six compounds",
        "Part of what was asked for is missing",
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
    places = [[t.strip(" .") for t in page.texts].index(heading, 3) for heading in order]
    assert places == sorted(places)


def test_each_number_of_a_table_leads_to_its_claim_and_carries_its_verdict(
    reports: dict[str, Report], store: ArtifactStore
) -> None:
    report = reports["lead triage"]
    html = render_html(report, store)
    for row in report.tables[0].rows:
        for cell in row:
            if cell.claim_id:
                verdict = report.verdicts[cell.claim_id].status
                found = re.search(rf'<a href="#{cell.claim_id}">{re.escape(cell.text)}</a>\s*(<span.*)', html)
                assert found and f'<span class="unseen">{verdict}</span>' in found[1]
    for glyph, word in (("✓", "supported"), ("✗", "contradicted"), ("?", "insufficient"), ("–", "unchecked")):
        assert f'<span aria-hidden="true">{glyph}</span> <span>{word}</span>' in html


def test_claims_in_doubt_come_first(reports: dict[str, Report], store: ArtifactStore) -> None:
    html = render_html(reports["lead triage"], store)
    words = re.findall(r'<li id="C-\w+" class="(\w+)">', html)
    assert words == ["contradicted", "insufficient", "unchecked", *["supported"] * 24]


def test_a_citation_leads_to_the_quantity_and_shows_it(
    reports: dict[str, Report], store: ArtifactStore
) -> None:
    report = reports["one question"]
    html = render_html(report, store)
    identity = report.evidence[0].id
    assert f'<a class="id" href="#{identity}-0">{identity}#/quantities/logp</a>' in html
    assert (
        f'<tr id="{identity}-0"><th scope="row">logp</th><td class="number">1.2</td><td>XLogP3</td>' in html
    )


def test_a_citation_of_nothing_is_flagged(reports: dict[str, Report], store: ArtifactStore) -> None:
    report = reports["one question"]
    claim = report.claims[0].model_copy(update={"cites": ("E-0123456789ab#/quantities/logp",)})
    text = Page(
        render_html(report.model_copy(update={"claims": (claim,), "answer": "See E-fedcba987654."}), store)
    ).text
    assert "E-0123456789ab#/quantities/logp [not in this report]" in text
    assert "E-fedcba987654 [not in this report]" in text


def test_a_number_that_nothing_backs_is_marked_where_it_stands(
    reports: dict[str, Report], store: ArtifactStore
) -> None:
    page = Page(render_html(reports["lead triage"], store))
    assert "opens in about 12 [not backed] hours" in page.text
    assert "No evidence, name or input holds this number; do not rely on it: 12 ." in page.text


def test_pictures_are_inside_as_images(reports: dict[str, Report], store: ArtifactStore) -> None:
    report = reports["lead triage"]
    pictures = Page(render_html(report, store)).all("img")
    assert len(pictures) == len(report.figures)
    for picture, figure in zip(pictures, report.figures, strict=True):
        head, _, content = (picture["src"] or "").partition(",")
        assert head == "data:image/svg+xml;base64"
        assert base64.b64decode(content) == store.get(figure.artifact.sha)


def test_a_missing_picture_is_named_and_the_rest_is_there(reports: dict[str, Report], tmp_path: Path) -> None:
    page = Page(render_html(reports["lead triage"], ArtifactStore(tmp_path / "elsewhere")))
    assert page.all("img") == []
    assert "The picture cannot be shown" in page.text and "How to repeat it" in page.text


def test_markup_from_outside_shows_as_it_was_written(
    reports: dict[str, Report], store: ArtifactStore, hostile_text: str
) -> None:
    html = render_html(reports["hostile"], store)
    page = Page(html)
    assert "<script>alert(1)</script><img src=x onerror=alert(2)> | `code` **bold**" in page.text
    assert "{{ 7*7 }} {% x %}" in page.text and "&lt;" in page.text
    assert "\x1b" not in html and "\u202e" not in html
    assert len(page.all("img")) == 1  # the picture; not the page nor the one that is not there
    assert "javascript:" not in "".join(a.get("href") or "" for a in page.all("a"))


def test_a_run_that_failed_says_so(reports: dict[str, Report], store: ArtifactStore) -> None:
    text = Page(render_html(reports["empty and failed"], store)).text
    assert "Nothing that was asked for could be delivered." in text
    assert "There is no answer." in text
    assert "no tool answers this question" in text
