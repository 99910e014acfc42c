from __future__ import annotations

import io
import itertools
import json
from collections.abc import Callable, Iterator
from typing import Any

import altair as alt
import pandas as pd
import pytest
import vl_convert
from PIL import Image

from lib.charts import (
    DARK,
    LIGHT,
    Palette,
    candidates_curve,
    confidence_by_level,
    describe_candidates_curve,
    describe_confidence_by_level,
    describe_heatmap,
    describe_weekly_sessions,
    describe_what_if_grid,
    finished,
    heatmap,
    palette,
    post_card,
    weekly_sessions,
    what_if_grid,
)
from lib.charts.cells import compact, inks
from lib.charts.mistakes import MOST_CATEGORIES, MOST_VALUES
from lib.charts.palette import contrast
from lib.charts.post import BOTTOM, GAP, TOP, fit
from lib.exports import Spec, chart_png, chart_svg

AnyChart = alt.LayerChart | Spec
THEMES = [pytest.param(LIGHT, id="light"), pytest.param(DARK, id="dark")]
ROLE_COLORS = {"free": "#0072b2", "student": "#e69f00", "coach": "#009e73", "superuser": "#cc79a7"}
# What would run, close a string, or turn into markup if it were not treated as plain text.
HOSTILE = [
    "'+mallory(1)+'",
    'x");mallory(2);//',
    "\\' || mallory",
    "<b>mallory</b>",
    "**mallory** [a](b)",
    "datum.mallory",
    "${mallory}",
]


def weekly() -> pd.DataFrame:
    weeks = pd.date_range("2026-11-02", periods=3, freq="W-MON")
    roles = ["student", "unknown", "free", "superuser", "coach"]
    rows = [(week, role, 10 + n, week < weeks[-1]) for n, (week, role) in enumerate(itertools.product(weeks, roles))]
    return pd.DataFrame(rows, columns=["week", "group", "sessions", "is_over"])


def levels() -> pd.DataFrame:
    rows = [("C1", 8.14, 312, 7.9), ("unknown", float("nan"), 1, 6.0), ("B1", 5.52, 1640, float("nan"))]
    return pd.DataFrame(rows, columns=["level", "avg_confidence", "sessions", "avg_before"])


def mistakes() -> pd.DataFrame:
    rows = [
        ("grammar", "Articles", 15),
        ("grammar", "Word order in indirect questions", 1204),
        ("vocabulary", "Articles", 3),
        ("pronunciation", "Library", 12),
    ]
    return pd.DataFrame(rows, columns=["value", "error_category", "frequency"])


def settings() -> pd.DataFrame:
    steps = [0.1 * step for step in (79, 80, 81)]  # 8.1 arrives as 8.100000000000001
    rows = [(step, least, 20 - 3 * n) for n, (step, least) in enumerate(itertools.product(steps, (2, 3)))]
    frame = pd.DataFrame(rows, columns=["min_confidence", "min_sessions", "candidates"])
    return frame.assign(revenue=frame["candidates"] * 179.0)


def curve() -> pd.DataFrame:
    return settings().query("min_sessions == 2").drop(columns="min_sessions")


def draw_heatmap(frame: pd.DataFrame, colors: Palette) -> alt.LayerChart:
    return heatmap(frame, colors, x_title="Type", selectable=True)


def draw_grid(frame: pd.DataFrame, colors: Palette) -> Spec:
    return what_if_grid(frame, colors, now=(8.1, 3), price=179, currency="$")


def draw_curve(frame: pd.DataFrame, colors: Palette) -> Spec:
    return candidates_curve(frame, colors, now=8.1)


CHARTS: list[tuple[Callable[[], pd.DataFrame], Callable[[pd.DataFrame, Palette], AnyChart]]] = [
    (weekly, weekly_sessions),
    (levels, confidence_by_level),
    (mistakes, draw_heatmap),
    (settings, draw_grid),
    (curve, draw_curve),
]
EVERY_CHART = pytest.mark.parametrize(("rows", "draw"), CHARTS, ids=["weekly", "levels", "heatmap", "grid", "curve"])


def nodes(part: Any) -> Iterator[dict[str, Any]]:
    """Every object inside a chart, at any depth."""
    if isinstance(part, dict):
        yield part
        for child in part.values():
            yield from nodes(child)
    elif isinstance(part, list):
        for child in part:
            yield from nodes(child)


def spec_of(chart: AnyChart) -> dict[str, Any]:
    """The chart as Vega-Lite, which has to keep to the schema that altair brings along."""
    if not isinstance(chart, dict):
        return chart.to_dict()
    rows = {name: frame.to_dict("records") for name, frame in chart["datasets"].items()}
    spec = chart | {"datasets": rows}
    alt.LayerChart.from_dict(spec)
    return spec


def rows_of(chart: AnyChart) -> list[dict[str, Any]]:
    """All rows of all layers."""
    return [row for rows in spec_of(chart)["datasets"].values() for row in rows]


def scale_of(chart: alt.LayerChart, channel: str) -> dict[str, Any]:
    layers = chart.to_dict()["layer"]
    found = [layer["encoding"][channel].get("scale") for layer in layers if channel in layer.get("encoding", {})]
    return next(scale for scale in found if scale)


def compiled(chart: AnyChart) -> dict[str, Any]:
    """The chart as Vega, which holds every expression that will be run."""
    spec = spec_of(chart)
    vega: dict[str, Any] = vl_convert.vegalite_to_vega(spec | {"width": 600}, vl_version="6.4")
    return vega


def picture(chart: AnyChart) -> Image.Image:
    return Image.open(io.BytesIO(chart_png(chart, scale=1))).convert("RGB")


@EVERY_CHART
@pytest.mark.parametrize("colors", THEMES)
def test_a_chart_fills_the_width_that_it_is_given_and_says_what_it_shows(rows: Any, draw: Any, colors: Palette) -> None:
    spec = spec_of(draw(rows(), colors))
    assert spec["width"] == "container"
    assert spec["autosize"] == {"type": "fit-x", "contains": "padding"}
    assert spec["height"] >= 50
    assert spec["description"].endswith(".")
    assert spec["config"]["background"] == "transparent"
    assert spec["padding"]["bottom"] > 0  # or the page adds its own


@EVERY_CHART
@pytest.mark.parametrize("count", [0, 1])
def test_a_chart_of_no_rows_and_of_one_row_is_drawn(rows: Any, draw: Any, count: int) -> None:
    drawn = picture(draw(rows().iloc[:count], LIGHT))
    assert drawn.width == 800
    assert drawn.getpixel((5, 5)) == (255, 255, 255)


@EVERY_CHART
def test_a_chart_in_a_file_is_not_blank(rows: Any, draw: Any) -> None:
    colors = picture(draw(rows(), LIGHT)).getcolors(1_000_000)
    assert colors is not None
    assert len(colors) > 20


@EVERY_CHART
def test_labels_and_titles_read_on_both_themes(rows: Any, draw: Any) -> None:
    for colors in (LIGHT, DARK):
        config = spec_of(draw(rows(), colors))["config"]
        for part in ("axis", "legend"):
            assert contrast(config[part]["labelColor"], colors.surface) >= 4.5
            assert contrast(config[part]["titleColor"], colors.surface) >= 4.5


@EVERY_CHART
def test_the_frame_is_left_as_it_was(rows: Any, draw: Any) -> None:
    frame = rows()
    draw(frame, LIGHT)
    pd.testing.assert_frame_equal(frame, rows())


def test_roles_have_their_colours_on_light_and_can_be_seen_on_dark() -> None:
    assert dict(LIGHT.roles) == ROLE_COLORS
    assert LIGHT.role("trial") == LIGHT.role("unknown") == "#7f7f7f"
    assert all(contrast(DARK.role(role), DARK.surface) >= 5 for role in [*ROLE_COLORS, "unknown"])


@pytest.mark.parametrize(("theme", "expected"), [("light", LIGHT), ("dark", DARK), (None, LIGHT), ("other", LIGHT)])
def test_the_palette_follows_the_theme(theme: str | None, expected: Palette) -> None:
    assert palette(theme) is expected


@pytest.mark.parametrize("colors", THEMES)
def test_more_is_always_more_visible(colors: Palette) -> None:
    visible = [contrast(colors.shade(share / 20), colors.surface) for share in range(21)]
    assert visible == sorted(visible)
    assert visible[0] > 1.1


@pytest.mark.parametrize("colors", THEMES)
def test_a_number_reads_on_every_shade(colors: Palette) -> None:
    values = pd.Series(range(101))
    for value, ink in zip(values, inks(values, colors), strict=True):
        assert contrast(ink, colors.shade((value / 100) ** 0.5)) >= 4.5


def test_roles_stand_in_their_fixed_order_and_others_after_them() -> None:
    scale = scale_of(weekly_sessions(weekly(), LIGHT), "color")
    assert scale["domain"] == ["free", "student", "coach", "superuser", "unknown"]
    assert scale["range"] == [*ROLE_COLORS.values(), "#7f7f7f"]


def test_roles_without_a_colour_of_their_own_differ_in_shape() -> None:
    frame = weekly().replace({"group": {"coach": "trial"}})
    assert len(set(scale_of(weekly_sessions(frame, LIGHT), "shape")["range"])) == 5


def test_the_running_week_is_dashed_hollow_and_said_not_to_be_over() -> None:
    chart = weekly_sessions(weekly(), LIGHT)
    layers = chart.to_dict()["layer"]
    solid, dashed, points = layers[:3]
    assert solid["transform"] == [{"filter": "datum.is_over"}]
    assert "strokeDash" not in solid["mark"]
    assert dashed["transform"] == [{"filter": "datum.is_end"}]
    assert dashed["mark"]["strokeDash"]
    assert points["encoding"]["fill"]["condition"]["test"] == "datum.is_over"
    assert points["encoding"]["fill"]["value"] == LIGHT.surface
    assert layers[3]["encoding"]["text"]["value"] == "week not over"
    ends = {row["week"][:10] for row in rows_of(chart) if row.get("is_end")}
    assert ends == {"2026-11-09", "2026-11-16"}  # from the last whole week to the running one


def test_a_week_that_ended_today_is_drawn_like_any_other() -> None:
    chart = weekly_sessions(weekly().assign(is_over=True), LIGHT)
    assert not any(row.get("is_end") for row in rows_of(chart))
    assert [layer["mark"]["type"] for layer in chart.to_dict()["layer"]] == ["line", "point"]  # nothing without rows
    assert all("sessions" in row for row in rows_of(chart))  # no row for the words "week not over"


@pytest.mark.parametrize("kind", ["dates", "aware"])
def test_weeks_may_be_dates_or_aware_times(kind: str) -> None:
    frame = weekly()
    week = frame["week"].dt.date if kind == "dates" else frame["week"].dt.tz_localize("Europe/Berlin")
    assert rows_of(weekly_sessions(frame.assign(week=week), LIGHT)) == rows_of(weekly_sessions(frame, LIGHT))


def test_confidence_stands_on_the_scale_of_1_to_10_with_its_value_and_its_sessions() -> None:
    chart = confidence_by_level(levels(), LIGHT)
    assert scale_of(chart, "x")["domain"] == [1, 10]
    labels = scale_of(chart, "y")["domain"]
    assert labels == ["B1\n1,640 sessions", "C1\n312 sessions", "unknown\n1 session"]
    written = {row["level"]: (row["now"], row["before"]) for row in rows_of(chart)}
    assert written == {"B1": ("5.52", "no scores"), "C1": ("8.14", "7.90"), "unknown": ("no scores", "6.00")}


def test_a_missing_average_has_no_dot() -> None:
    dots = [(row["level"], row["measure"]) for row in rows_of(confidence_by_level(levels(), LIGHT)) if "measure" in row]
    assert sorted(dots) == [
        ("B1", "this window"),
        ("C1", "this window"),
        ("C1", "window before"),
        ("unknown", "window before"),
    ]


def test_every_cell_of_the_heatmap_has_its_number_and_missing_ones_have_none() -> None:
    written = {
        (row["value"], row["error_category"]): row["number"] if row["frequency"] is not None else None
        for row in rows_of(draw_heatmap(mistakes(), LIGHT))
    }
    assert len(written) == 9
    assert {cell: number for cell, number in written.items() if number is not None} == {
        ("grammar", "Articles"): "15",
        ("grammar", "Word order in indirect questions"): "1,204",
        ("vocabulary", "Articles"): "3",
        ("pronunciation", "Library"): "12",
    }
    _, rect, text = draw_heatmap(mistakes(), LIGHT).to_dict()["layer"]
    assert rect["transform"] == text["transform"] == [{"filter": "isValid(datum.frequency)"}]


def test_categories_stand_by_their_total_falling_and_ties_by_name() -> None:
    frame = pd.concat([mistakes(), pd.DataFrame({"value": ["grammar"], "error_category": ["Idioms"], "frequency": 18})])
    order = scale_of(draw_heatmap(frame, LIGHT), "y")["domain"]
    assert order == ["Word order in indirect questions", "Articles", "Idioms", "Library"]


def test_an_order_that_is_given_is_kept_and_what_it_leaves_out_is_added() -> None:
    chart = heatmap(mistakes(), LIGHT, x_title="Type", selectable=False, x_order=["vocabulary", "none", "grammar"])
    assert scale_of(chart, "x")["domain"] == ["vocabulary", "none", "grammar", "pronunciation"]


def test_a_cell_says_aloud_what_it_is() -> None:
    aloud = {row["label"] for row in rows_of(draw_heatmap(mistakes().assign(frequency=[15, 1, 3, 1204]), LIGHT))}
    assert {"grammar, Articles: 15 mistakes", "pronunciation, Library: 1,204 mistakes"} <= aloud
    assert "grammar, Word order in indirect questions: 1 mistake" in aloud


def test_values_are_called_by_their_names_and_chosen_by_themselves() -> None:
    names = {"grammar": "25 Aug*"}
    chart = heatmap(mistakes(), LIGHT, x_title="Week", selectable=True, x_order=["grammar"], x_names=names)
    assert scale_of(chart, "x")["domain"] == ["25 Aug*", "pronunciation", "vocabulary"]
    shown = {(row["value"], row["name"], row["label"].partition(",")[0]) for row in rows_of(chart)}
    assert ("grammar", "25 Aug*", "25 Aug*") in shown
    assert chart.to_dict()["params"][0]["select"]["fields"] == ["value", "error_category"]


def test_of_thousands_of_categories_and_types_the_rarest_are_added_up_in_one_that_says_how_many_they_are() -> None:
    rows = [(f"t{n % 25:02}", f"c{n:04}", 1 + (n < 10)) for n in range(5000)]
    many = pd.DataFrame(rows, columns=["value", "error_category", "frequency"])
    chart = heatmap(many, LIGHT, x_title="Type", selectable=True)
    down, across = (scale_of(chart, axis)["domain"] for axis in "yx")
    assert (len(down), down[-1]) == (MOST_CATEGORIES, "4,961 other categories")
    assert (len(across), across[-1]) == (MOST_VALUES, "6 other types")
    assert set(down[:10]) == {f"c{n:04}" for n in range(10)}
    drawn = pd.DataFrame(rows_of(chart))
    assert drawn["frequency"].sum() == 5010
    assert drawn.loc[drawn["error_category"] == down[-1], "frequency"].sum() == 4961
    assert not drawn.duplicated(["value", "error_category"]).any()
    assert chart.to_dict()["height"] <= 20 * MOST_CATEGORIES
    assert chart.to_dict()["description"].startswith("Mistakes (rows: category, columns: Type): 5,010 in 5,000 categ")


def test_weeks_are_drawn_one_by_one_however_many_there_are() -> None:
    months = [f"{2020 + n // 12}-{n % 12 + 1:02}-01" for n in range(60)]
    many = pd.DataFrame({"value": months, "error_category": "Articles", "frequency": 1})
    chart = heatmap(many, LIGHT, x_title="Week", selectable=True, x_order=months, x_names={m: m[:7] for m in months})
    assert scale_of(chart, "x")["domain"] == [month[:7] for month in months]


def test_a_click_on_a_cell_adds_it_or_takes_it_away_and_a_click_beside_clears() -> None:
    cell, _ = draw_heatmap(mistakes(), LIGHT).to_dict()["params"]
    assert cell["name"] == "cell"
    assert cell["select"]["type"] == "point"
    assert cell["select"]["fields"] == ["value", "error_category"]
    assert cell["select"]["on"] == "click"
    assert cell["select"]["toggle"] == "true"
    assert cell["select"]["clear"].startswith("click[")
    assert "value" not in cell


def test_only_the_cells_take_clicks_so_that_numbers_let_them_through() -> None:
    for chart in (draw_heatmap(mistakes(), LIGHT), draw_grid(settings(), LIGHT)):
        marks = [mark for mark in nodes(compiled(chart)["marks"]) if mark.get("type") in ("rect", "text")]
        assert [mark["type"] for mark in marks if mark["interactive"]] == ["rect"]


def test_cells_can_be_chosen_from_the_start() -> None:
    chart = heatmap(mistakes(), LIGHT, x_title="Type", selectable=True, selected=[("grammar", "Articles")])
    cell, last = chart.to_dict()["params"]
    assert cell["value"] == [{"value": "grammar", "error_category": "Articles"}]
    assert last["name"] == "last"
    assert "value" not in last
    accent = tuple(int(LIGHT.accent[at : at + 2], 16) for at in (1, 3, 5))
    assert accent in {color for _, color in picture(chart).getcolors(1_000_000) or []}


def test_a_heatmap_that_cannot_be_clicked_has_no_selection() -> None:
    assert "params" not in heatmap(mistakes(), LIGHT, x_title="Type", selectable=False).to_dict()


@pytest.mark.parametrize(
    ("count", "expected"),
    [(0, "0"), (999, "999"), (1000, "1.0k"), (1204, "1.2k"), (9940, "9.9k"), (9960, "10k"), (999_600, "1.0M")],
)
def test_a_count_is_shortened_where_there_is_little_room(count: int, expected: str) -> None:
    assert compact(count) == expected


def test_the_present_setting_is_outlined_although_its_step_is_not_exact() -> None:
    chart = draw_grid(settings(), LIGHT)
    now = [(round(row["min_confidence"], 9), row["min_sessions"]) for row in rows_of(chart) if row["is_now"]]
    assert now == [(8.1, 3)]
    outline = chart["layer"][1]
    assert outline["transform"] == [{"filter": "datum.is_now"}]
    assert outline["mark"]["stroke"] == LIGHT.accent


def test_every_setting_has_its_candidates_and_its_revenue() -> None:
    written = [(row["count"], row["money"], row["revenue_text"]) for row in rows_of(draw_grid(settings(), LIGHT))]
    assert written[0] == ("20", "$3.6k", "$3,580")
    assert written[-1] == ("5", "$895", "$895")
    assert len(written) == 6


def test_a_click_selects_one_setting() -> None:
    (cell,) = draw_grid(settings(), LIGHT)["params"]
    assert cell["name"] == "cell"
    assert cell["select"]["fields"] == ["min_confidence", "min_sessions"]
    assert cell["select"]["toggle"] is False


def test_the_present_setting_is_marked_on_the_curve_with_its_value() -> None:
    assert "8 candidates above 8.1" in {row.get("text") for row in rows_of(draw_curve(curve(), LIGHT))}


def test_a_setting_between_two_steps_is_marked_without_a_value() -> None:
    chart = candidates_curve(curve(), LIGHT, now=8.05)
    assert {row["text"] for row in rows_of(chart) if "text" in row} == {"above 8.05"}


def hostile_charts() -> list[alt.LayerChart]:
    names = pd.Series(HOSTILE)
    cells = pd.DataFrame({"value": names, "error_category": names[::-1].array, "frequency": range(1, 8)})
    weeks = pd.DataFrame({"week": pd.Timestamp("2026-11-16"), "group": names, "sessions": 1, "is_over": True})
    level = pd.DataFrame({"level": names, "avg_confidence": 5.0, "sessions": 1, "avg_before": 6.0})
    chosen = list(zip(names, names[::-1], strict=True))
    return [
        heatmap(cells, LIGHT, x_title="Type", selectable=True, selected=chosen),
        weekly_sessions(weeks, LIGHT),
        confidence_by_level(level, LIGHT),
        post_card(HOSTILE[0], HOSTILE[1], HOSTILE[2]),
    ]


@pytest.mark.parametrize("number", range(4))
def test_text_from_the_data_never_becomes_part_of_an_expression(number: int) -> None:
    run = ("signal", "update", "expr", "test", "filter", "init", "events")
    vega = compiled(hostile_charts()[number])
    expressions = [json.dumps(node[key]) for node in nodes(vega) for key in run if key in node]
    assert expressions
    assert [found for found in expressions if "mallory" in found] == []


@pytest.mark.parametrize("number", range(4))
def test_hostile_text_is_drawn_as_it_is(number: int) -> None:
    assert b"+mallory(1)+" in chart_svg(hostile_charts()[number])


def test_descriptions_say_the_numbers() -> None:
    assert describe_weekly_sessions(weekly()) == (
        "Sessions a week by role (free, student, coach, superuser, unknown), together: 60 in the week of 2 Nov 2026,"
        " 85 in the week of 9 Nov 2026, 110 so far in the running week."
    )
    assert describe_confidence_by_level(levels()) == (
        "Average confidence by English level, 1 to 10: B1 5.52 (before no scores, 1,640 sessions),"
        " C1 8.14 (before 7.90, 312 sessions), unknown no scores (before 6.00, 1 session)."
    )
    assert describe_heatmap(mistakes(), x_title="Type") == (
        "Mistakes (rows: category, columns: Type): 1,234 in 3 categories;"
        " most in Word order in indirect questions, grammar: 1,204."
    )
    assert describe_what_if_grid(settings(), now=(8.1, 3), price=179, currency="$") == (
        "Candidates and revenue at $179 each for every setting: 5 to 20 candidates;"
        " 5 candidates at the present one (confidence above 8.1, at least 3 sessions)."
    )
    assert describe_candidates_curve(curve(), now=8.1) == (
        "Candidates by minimum confidence: 20 above 7.9, 8 above 8.1; 8 candidates at the present 8.1."
    )


def test_descriptions_of_nothing_say_so() -> None:
    assert describe_weekly_sessions(weekly().iloc[:0]).endswith("no sessions.")
    assert describe_confidence_by_level(levels().iloc[:0]).endswith("no sessions.")
    assert describe_heatmap(mistakes().iloc[:0], x_title="Type").endswith("none.")
    assert describe_what_if_grid(settings().iloc[:0], now=(8.1, 3), price=179, currency="$").endswith("none.")
    assert describe_candidates_curve(curve().iloc[:0], now=8.1).endswith("none.")


LONG = "I am responsible for the database, and for everything that happens to it after the next release"
POSTS = ["cache", LONG, "W" * 90, "漢字" * 45, "wide MMMM WWWW " * 6, ""]


@pytest.mark.parametrize("text", POSTS)
def test_all_of_a_text_is_on_the_card(text: str) -> None:
    block = fit(text, largest=84, height=200)
    assert "".join(block.lines).replace(" ", "") == text.replace(" ", "")
    assert block.height <= 200


@pytest.mark.parametrize("text", POSTS)
def test_a_post_card_has_the_size_of_a_post_and_nothing_leaves_it(text: str) -> None:
    card = picture(post_card(text, text, "Pronunciation"))
    assert card.size == (1200, 627)
    margins = [card.crop((1140, 0, 1200, 627)), card.crop((14, BOTTOM + 12, 1200, BOTTOM + 24))]
    assert all(part.getcolors() == [(part.width * part.height, (255, 255, 255))] for part in margins)


def test_the_right_form_is_larger_than_the_wrong_one() -> None:
    said, better = fit(LONG, largest=44, height=130), fit(LONG, largest=84, height=BOTTOM - TOP - GAP - 130)
    assert better.size > said.size


def test_a_finished_chart_has_all_its_rows_as_tables_with_real_times() -> None:
    at = pd.to_datetime(["2026-11-16", "2026-11-23"])
    frame = pd.DataFrame({"at": at, "n": [1, None], "name": ["2026-11-16", "b"]})
    spec = finished(alt.LayerChart(layer=[alt.Chart(frame).mark_line().encode(x="at:T", y="n:Q", color="name:N")]))
    (rows,) = spec["datasets"].values()
    assert rows["at"].tolist() == at.tolist()
    assert rows["n"].isna().tolist() == [False, True]
    assert rows["name"].tolist() == ["2026-11-16", "b"], "what is drawn as a name stays text"
