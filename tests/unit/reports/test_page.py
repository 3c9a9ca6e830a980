"""The page holds the numbers, loads nothing from elsewhere, is well formed, and draws itself of nothing, too."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import zipfile
from dataclasses import replace
from datetime import date
from html.parser import HTMLParser
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.reports.made_night import RUN_DATE, make_night

import cdp
from cdp.reports.charts import draw_charts
from cdp.reports.facts.audiences import AudienceFacts
from cdp.reports.facts.night import NightFacts, RunFacts
from cdp.reports.facts.scores import ScoreCell, ScoreFacts
from cdp.reports.facts.sources import SchemaChangeFacts, SetAsideFile
from cdp.reports.file import write_page
from cdp.reports.measures import list_measures
from cdp.reports.page import find_problems, head_tiles, render_page
from cdp.reports.scores import churn_histogram, found_segments, value_grid, value_histogram
from cdp.reports.words import compact, metric, money, seconds, share

VOID = {"meta", "br", "hr", "img", "input", "link"}


class Outline(HTMLParser):
    """Walks a page: every tag closed in order, ids, links, and the text that a reader sees."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.ids: list[str] = []
        self.references: list[str] = []
        self.tags: list[str] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in VOID:
            self.open.append(tag)
        self._note(tag, attrs)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._note(tag, attrs)

    def handle_endtag(self, tag: str) -> None:
        assert self.open and self.open[-1] == tag, f"</{tag}> closes {self.open[-3:]} at {self.getpos()}"
        self.open.pop()

    def handle_data(self, data: str) -> None:
        if "style" not in self.open:
            self.text += data

    def _note(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        for name, value in attrs:
            if name == "id":
                self.ids.append(value or "")
            if name in ("href", "src") and value:
                self.references.append(value)
            self.references += re.findall(r"url\(([^)]*)\)", value or "")


def read(page: str) -> Outline:
    outline = Outline()
    outline.feed(page)
    outline.close()
    assert outline.open == []
    outline.text = outline.text.replace("\u00a0", " ")
    return outline


@pytest.fixture(scope="module")
def page() -> str:
    return render_page(make_night())


def test_the_page_holds_the_numbers_of_the_night(page: str) -> None:
    text = read(page).text
    assert f"Night of {RUN_DATE}" in text
    assert f"cdp {cdp.__version__}" in text
    for shown in ("night-5f3c2a", "9,214", "63.7 %", "23,565", "491", "2.1 %", "12,466", "706,950", "1,490"):
        assert shown in text, shown
    for shown in ("the gzip stream ends too early", "role address", "an identifier value ties their records"):
        assert shown in text, shown
    for shown in ("differ clearly in birth date", "p_4fksm2zqe6", "Of them hanging by one link", "2.8 %", "99.1 %"):
        assert shown in text, shown
    for shown in ("needs attention", "bad time", "likely churners", "models.train", "9f86d081884c", "0.8123"):
        assert shown in text, shown


def test_the_page_stands_alone(page: str) -> None:
    outline = read(page)
    assert "http" not in page
    assert not {"script", "link", "img", "iframe", "object"} & set(outline.tags)
    assert all(reference.startswith("#") for reference in outline.references)
    assert "@import" not in page


def test_ids_are_unique_and_every_reference_has_its_target(page: str) -> None:
    outline = read(page)
    assert len(outline.ids) == len(set(outline.ids))
    assert {r.removeprefix("#") for r in outline.references} <= set(outline.ids)
    assert outline.tags.count("svg") == 13


def test_every_chart_says_what_it_shows_and_takes_its_colours_from_the_page(page: str) -> None:
    for name, svg in draw_charts(make_night()).items():
        assert f'aria-labelledby="{name}-title {name}-desc"' in svg
        assert re.search(rf'<desc id="{name}-desc">[^<]{{10,}}</desc>', svg), name
        assert not re.findall(r"(?:fill|stroke): #", svg), name


def test_the_same_facts_give_the_same_page(page: str) -> None:
    assert render_page(make_night()) == page


def test_a_night_without_anything_says_so() -> None:
    page = render_page(NightFacts(run_date=RUN_DATE))
    outline = read(page)
    assert "svg" not in outline.tags
    assert outline.text.count("Nothing yet") >= 7
    assert "None" not in outline.text


@pytest.mark.parametrize("remainder", [0, 1])
def test_some_parts_may_be_missing(remainder: int) -> None:
    """Every second part is empty: what stands beside it must not need it."""
    parts = (
        "sources",
        "refusals",
        "changes",
        "generic_values",
        "refused_links",
        "identity_nights",
        "models",
        "segments",
        "audiences",
        "deliveries",
        "runs",
    )
    missing = {part: () for n, part in enumerate(parts) if n % 2 == remainder}
    outline = read(render_page(replace(make_night(), **missing)))
    assert 0 < outline.tags.count("svg") < 13


def test_text_from_tables_cannot_become_markup() -> None:
    evil = '<script>alert("x")</script>'
    night = replace(
        make_night(),
        set_aside=(SetAsideFile(evil, evil, evil),),
        schema_changes=(SchemaChangeFacts(evil, evil, evil, evil, evil, evil, True),),
        audiences=(AudienceFacts(evil, 3, 1, 1),),
        runs=(RunFacts(evil, "failed", 1.0, 0, evil),),
    )
    assert "script" not in read(render_page(night)).tags


def test_what_must_be_looked_at_is_said_at_the_top() -> None:
    night = make_night()
    assert find_problems(night) == ["2 files were set aside whole: see Refused."]
    assert find_problems(replace(night, set_aside=())) == []
    came = SchemaChangeFacts("web", "tel", "new", "string", "", "", False)
    changed = replace(night, set_aside=(), schema_changes=(came,))
    assert find_problems(changed) == ["Fields that came, went or changed: 1 (web). See Fields."]
    assert "<code>tel</code>" in render_page(changed)
    web = replace(night.sources[-1], all_accepted=night.sources[-1].all_accepted - 3, waiting=2)
    broken = replace(
        night,
        set_aside=(),
        sources=(web,),
        runs=(RunFacts("models.train", "failed", 1.0, 0, ""),),
        deliveries=(replace(night.deliveries[0], state="refused"),),
    )
    lost, waiting, failed, refused = find_problems(broken)
    assert lost.startswith("web: 3 of 373,980 records are neither")
    assert waiting == "web: 2 files are landed, but not decided on yet."
    assert failed == "models.train failed: see the log"
    assert refused == "The delivery of lapsed big spenders to email csv was refused."


def test_tiles_do_not_count_a_refused_delivery() -> None:
    night = make_night()
    first, *others = night.deliveries
    tile = head_tiles(replace(night, deliveries=(replace(first, state="refused"), *others)))[-1]
    assert (tile.number, tile.note) == ("3", "1,899 members handed over")


def test_what_an_earlier_scoring_was_worth_stands_with_its_model() -> None:
    page = " ".join(render_page(make_night()).split())
    assert "What was said as of 2025-10-08 of 4,102 people for 13 weeks, now that they are over" in page
    assert "Squared error of the probability (Brier) 0.17 (simple rule 0.24)." in page
    assert page.count("What was said as of") == 1


def test_measures_stand_beside_the_simple_rule() -> None:
    churn, value = make_night().models
    assert (list_measures(churn)[0].value, list_measures(churn)[0].simple) == ("0.8123", "0.7402")
    assert list_measures(value)[0].value.replace("\u00a0", " ") == "-2.1 %"
    told = list_measures(replace(value, model="cdp.email_click", metrics=(("auc", 0.71), ("last_period_auc", 0.6))))
    assert [(m.value, m.simple) for m in told] == [("0.71", "0.6")]
    lists = (("ndcg_at_10_all", 0.431), ("popular_ndcg_at_10_all", 0.174), ("calibration_error", 0.008))
    told = list_measures(replace(value, model="cdp.recommendations.products", metrics=lists))
    assert [(m.value, m.simple) for m in told] == [("0.431", "0.174"), ("0.008", "")]
    other = list_measures(replace(churn, metrics=(("log_loss", 0.5),)))
    assert [(m.name, m.value) for m in other] == [("log loss", "0.5")]


CELLS = st.lists(
    st.builds(
        ScoreCell,
        st.one_of(st.none(), st.integers(0, 19)),
        st.one_of(st.none(), st.integers(-20, 60)),
        st.integers(1, 10_000),
        st.just(0.5),
        st.floats(0, 1e6),
        st.sampled_from(["", "high value", "low value"]),
        st.one_of(st.none(), st.integers(1, 5)),
        st.floats(0, 100),
    ),
    max_size=40,
)


@given(CELLS)
@settings(max_examples=200, deadline=None)
def test_histograms_and_grid_lose_nobody(cells: list[ScoreCell]) -> None:
    scores = ScoreFacts(tuple(cells))
    assert sum(churn_histogram(scores)) == sum(c.people for c in cells if c.churn_bin is not None)
    assert sum(value_histogram(scores).values()) == sum(c.people for c in cells if c.value_bin is not None)
    segments = found_segments(scores)
    assert sum(s.people for s in segments) == sum(c.people for c in cells if c.segment)
    both = [c for c in cells if c.churn_bin is not None and c.value_band is not None]
    grid = value_grid(scores)
    assert sum(sum(row.people) for row in grid) == sum(c.people for c in both)
    assert len(grid) <= 5
    assert sum(row.value for row in grid) == pytest.approx(sum(c.value for c in both))


@given(CELLS)
@settings(max_examples=4, deadline=None)
def test_any_scores_can_be_drawn(cells: list[ScoreCell]) -> None:
    read(render_page(NightFacts(run_date=RUN_DATE, scores=ScoreFacts(tuple(cells), 13))))


def test_numbers_read_well() -> None:
    assert [compact(n) for n in (0, 9_999, 12_345, 999_499, 1_234_567, 2.5e9)] == [
        "0", "9,999", "12.3k", "999k", "1.23M", "2.5G",
    ]  # fmt: skip
    shares = [share(*pair).replace("\u00a0", " ") for pair in ((0, 0), (0, 5), (1, 5_000), (4_999, 5_000), (5, 5))]
    assert shares == ["–", "0.0 %", "< 0.1 %", "> 99.9 %", "100.0 %"]
    assert [seconds(n).replace("\u00a0", " ") for n in (0.44, 12.3, 200)] == ["0.4 s", "12 s", "3 min 20 s"]
    assert (money(1234.5), money(4.5), metric(0.81234), metric(4439.0)) == ("1,234", "4.50", "0.8123", "4,439")


def test_the_file_is_written_whole_and_only_when_it_changed(tmp_path: Path) -> None:
    target = write_page("<p>ä</p>", tmp_path / "reports", date(2026, 1, 7))
    assert target.name == "night-2026-01-07.html"
    assert target.read_text(encoding="utf-8") == "<p>ä</p>"
    before = target.stat().st_mtime_ns
    assert write_page("<p>ä</p>", tmp_path / "reports", date(2026, 1, 7)) == target
    assert target.stat().st_mtime_ns == before
    write_page("<p>b</p>", tmp_path / "reports", date(2026, 1, 7))
    assert [p.name for p in target.parent.iterdir()] == ["night-2026-01-07.html"]
    assert target.read_text() == "<p>b</p>"


def test_the_page_is_made_from_a_zip_too(tmp_path: Path) -> None:
    package = Path(cdp.__file__).parent
    archive = tmp_path / "cdp.zip"
    with zipfile.ZipFile(archive, "w") as zipped:
        for file in [package / "__init__.py", *sorted((package / "reports").rglob("*"))]:
            if file.is_file() and file.suffix != ".pyc":
                zipped.write(file, file.relative_to(package.parent))
    code = (
        "from datetime import date; import cdp.reports.page as p; from cdp.reports.facts.night import NightFacts;"
        "print(p.__file__); print(p.render_page(NightFacts(run_date=date(2026, 1, 7))))"
    )
    environment = {**os.environ, "PYTHONPATH": str(archive)}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(str(archive))
    assert done.stdout.endswith(render_page(NightFacts(run_date=RUN_DATE)) + "\n")
