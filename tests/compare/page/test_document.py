"""The page, as HTML and as a browser shows it."""

import base64
import io
import re
import zlib
from collections import Counter
from dataclasses import replace
from html.parser import HTMLParser

import browser
import comparisons
import matplotlib
import numpy as np
import pytest
from matplotlib.colors import to_rgb

from nnunet_lunet.compare import files
from nnunet_lunet.compare.page import cases, document, marks, shown
from nnunet_lunet.compare.record import FOREGROUND, Cost
from nnunet_lunet.pictures import slices

needs_browser = pytest.mark.skipif(browser.CHROMIUM is None, reason="no Chromium (apt-get install chromium)")
HOSTILE = """<script>alert('x')</script><img src="http://example.org/x.png"> & $x_1$ {{ 7*7 }} </style> "'"""
MAIN, DIFFERENCES, LEARNING, CHANNELS = "Scatter plot", "Dot plot of foreground Dice minus", "Line plot", "Bar charts"


def written(comparison):
    buffer = io.BytesIO()
    document.write(comparison, buffer)
    return buffer.getvalue()


class Elements(HTMLParser):
    """Tags and attributes of a page, and whether each tag that opens closes."""

    VOID = frozenset({"meta", "img", "wbr", "br", "hr", "input"})

    def __init__(self, text):
        super().__init__()
        self.found, self.open, self.text = [], [], []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attributes):
        self.found.append((tag, dict(attributes)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text.append(data)

    def all(self, tag):
        return [attributes for name, attributes in self.found if name == tag]


def where(picture, colour, tolerance=6):
    """Pixels of a colour."""
    return (abs(picture - np.round(255 * np.array(to_rgb(colour)))) <= tolerance).all(axis=-1)


@pytest.fixture(scope="module")
def example(tmp_path_factory):
    return comparisons.make(tmp_path_factory.mktemp("comparison"))


@pytest.fixture(scope="module")
def whole(example):
    return written(example)


@pytest.fixture(scope="module")
def rendered(whole, tmp_path_factory):
    """With all cases open."""
    opened = whole.replace(b'<details class="case"', b'<details open class="case"')
    return browser.render(opened, tmp_path_factory.mktemp("browser"))


@needs_browser
def test_the_browser_shows_all_of_it_and_loads_nothing(rendered):
    probe = rendered.probe
    assert probe["width"] == browser.WIDTH and probe["outside"] == []
    assert probe["loaded"] == probe["violations"] == probe["errors"] == []
    # Five figures; image, reference and three models of two cases, each of which is one of the worst of all models.
    assert len(probe["images"]) == 5 + 2 * 5 + 2 * 3
    assert all(image["loaded"] and image["alt"] for image in probe["images"])
    assert rendered.picture.shape[:2] == (probe["height"], browser.WIDTH)


@needs_browser
def test_the_browser_refuses_what_a_page_would_load(whole, tmp_path):
    """Otherwise the test above could not fail."""
    foreign = b'<img src="http://example.org/x.png" alt="x"><script>document.title = "taken over"</script></body>'
    probe = browser.render(whole.replace(b"</body>", foreign), tmp_path, screenshot=False).probe
    assert "http://example.org/x.png" in probe["violations"]
    assert probe["title"] == "Dataset901_Tiny: 3 models compared"


@needs_browser
def test_rows_of_the_tables_are_in_the_text(example, rendered):
    rows, text = rendered.probe["rows"], rendered.probe["text"]
    means = {s.model: s.mean for s in example.summaries if (s.label, s.metric) == (FOREGROUND, "dice")}
    for number, model in enumerate(example.models, 1):
        name = f"{number} {model.name}" + " baseline" * (number == 1)
        assert any(row.startswith(f"{name} {means[model.name]:.3f} ± ") for row in rows)
        assert any(
            row.startswith(f"{name} nnUNetPlans · 3d_fullres · fold 0 {model.cost.network.parameters:,}")
            for row in rows
        )
    # 4,000,001 against 250,001 parameters, 8 against 8/3 seconds.
    assert any(
        row.endswith("250,001 16× fewer 250 M 16× fewer 25 MB 16× less 2.67 3× less 2 GB as much") for row in rows
    )
    test = next(t for t in example.tests if (t.model, t.label, t.metric) == ("LUnet 8", FOREGROUND, "dice"))
    points = f"−{-100 * test.difference:.1f} −{-100 * test.low:.1f} to −{-100 * test.high:.1f}"
    verdict = "inferior at a margin of 1 point"
    assert f"3 LUnet 8 {verdict} {points} 0.020 0.040 0.030 −1.00 0, 0, 5 5 3 seeds" in rows
    assert any(row.startswith("3 LUnet 8 Dice 50 % 25 % 25 % 2.5 ±") for row in rows)
    for part in ("Dataset901_Tiny", "Only fold 0.", "case98, case99", "nnunetv2 2.8.1", "lunet compare -d 901"):
        assert part in text


@needs_browser
def test_the_main_figure_has_each_model_at_its_place(example, rendered):
    picture = rendered.region(MAIN)
    height, width = picture.shape[:2]
    axes = picture[: height * 85 // 100, width * 8 // 100 : width * 68 // 100]
    looks, points = marks.marks(example), shown.points(example)
    centres = {}
    for name in points:
        rows, columns = np.nonzero(where(axes, looks[name].colour))
        assert len(rows) > 100
        # The badge is wide and high; error bars, and the digits on other badges, are not.
        across, down = np.bincount(columns) >= 9, np.bincount(rows) >= 11
        centres[name] = np.flatnonzero(across).mean(), np.flatnonzero(down).mean()
    by_size = sorted(points, key=lambda name: points[name][0])
    by_dice = sorted(points, key=lambda name: points[name][1])
    assert sorted(centres, key=lambda name: centres[name][0]) == by_size
    assert sorted(centres, key=lambda name: -centres[name][1]) == by_dice
    # Each has a quarter of the parameters of the one before: equal steps on a logarithmic axis.
    places = sorted(x for x, _ in centres.values())
    assert places[2] - places[1] == pytest.approx(places[1] - places[0], abs=3)
    lowest, middle, highest = (centres[name][1] for name in by_dice)
    dice = [points[name][1] for name in by_dice]
    assert lowest - middle == pytest.approx((middle - highest) * (dice[1] - dice[0]) / (dice[2] - dice[1]), abs=3)


@needs_browser
def test_the_other_figures_show_the_numbers(example, rendered):
    looks = marks.marks(example)
    dots, bars = rendered.region(DIFFERENCES), rendered.region(CHANNELS)
    middle = {}
    for name, of_cases in shown.differences(example).items():
        # Dots are three quarters their colour, one quarter white.
        faded = [0.75 * part + 0.25 for part in to_rgb(looks[name].colour)]
        rows, columns = np.nonzero(where(dots, faded, 12))
        assert len(rows) > 6 * len(of_cases)
        middle[name] = np.mean(columns)
    # The model that loses more is further to the left.
    assert middle["LUnet 8"] < middle["LUnet 16"] - 20
    lines = rendered.region(LEARNING)
    for number, name in enumerate(looks):
        rows, columns = np.nonzero(where(lines, looks[name].colour))
        # Line and badge in each half; the key is to the right of both.
        halves = [((columns > low) & (columns < high)).sum() for low, high in ((60, 400), (400, 720))]
        assert min(halves) > 300, (number, halves)
    area = {model.name: where(bars, looks[model.name].colour).sum() for model in example.models}
    channels = {model.name: sum(model.cost.network.channels_per_level) for model in example.models}
    assert area["LUnet 16"] / area["LUnet 8"] == pytest.approx(channels["LUnet 16"] / channels["LUnet 8"], rel=0.15)
    # The baseline is black, and so are letters.
    assert area["UNet"] / area["LUnet 16"] == pytest.approx(channels["UNet"] / channels["LUnet 16"], rel=0.15)


@needs_browser
def test_pictures_of_cases_show_labels_where_they_are(rendered):
    def coloured(alt):
        region = rendered.region(alt)
        # Grays apart; and the page's own light gray beside the picture.
        return (np.ptp(region, axis=-1) > 40).mean()

    assert coloured("case1: Image") == 0
    reference, first, third = (coloured(f"case1: {name}") for name in ("Reference", "UNet", "LUnet 8"))
    assert 0.1 < third < first
    assert first == pytest.approx(reference, abs=0.005)
    outlined = where(rendered.region("case1: LUnet 8"), "white").sum()
    assert outlined > where(rendered.region("case1: Image"), "white").sum() + 100


@needs_browser
def test_a_key_on_a_heading_sorts_and_printing_unfolds(rendered):
    names = ["UNet", "LUnet 16", "LUnet 8"]

    def order(rows):
        return [next(name for name in names if f"{name} " in row) for row in rows[2:5]]

    up, down = rendered.probe["sorted"]
    assert order(rendered.probe["rows"]) == names
    assert order(up) == names[::-1] and order(down) == names
    assert sorted(up) == sorted(rendered.probe["rows"])
    assert rendered.probe["folded_in_print"] == 0


@needs_browser
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [1400, 420])
def test_both_widths_in_light_and_dark(example, whole, tmp_path, width, dark):
    rendered = browser.render(whole, tmp_path, width=width, dark=dark)
    probe, picture = rendered.probe, rendered.picture
    assert probe["width"] == width and picture is not None and picture.shape[1] == width
    assert probe["loaded"] == probe["violations"] == probe["errors"] == []
    # What is wider than a narrow page scrolls: tables and drawings, and nothing else.
    assert width == 420 or probe["outside"] == []
    # The verdict is to be seen without scrolling to the side.
    left, right = probe["verdict"]
    assert 0 < left < right <= width
    paper, ink = ((20, 23, 28), (230, 232, 235)) if dark else ((255, 255, 255), (26, 26, 26))
    main = rendered.region(MAIN)[:, : width - 20]
    for region in (picture[:200], main):
        assert (region == paper).all(axis=-1).mean() > 0.5
        assert (abs(region - ink).max(axis=-1) < 25).sum() > 30
    # The baseline's badge is in the colour of the text, the others keep theirs. It is the largest, so at the right.
    assert width == 420 or (main == ink).all(axis=-1).sum() > 60
    assert where(main, marks.marks(example)["LUnet 16"].colour).sum() > 60


@needs_browser
def test_models_can_be_left_out_of_tables_lists_pictures_and_drawings(rendered):
    filtered, every = rendered.probe["filtered"], Counter(rendered.probe["unfiltered"])
    assert set(every) == {"1", "2", "3"} and min(every.values()) > 10
    assert Counter(filtered["shown"]) == every - Counter({"2": every["2"]})
    assert filtered["said"] == "2 of 3"
    assert filtered["drawing"].endswith("<style>[id=m2]{display:none}</style></svg>")


@needs_browser
def test_drawings_have_parts_of_each_model(whole):
    drawings = [
        base64.b64decode(image["src"].split(",")[1]).decode()
        for image in Elements(whole.decode()).all("img")
        if image.get("class") == "drawing"
    ]
    assert len(drawings) == 5
    for number in (1, 2, 3):
        own = [drawing.count(f'id="m{number}"') for drawing in drawings]
        # The baseline does not differ from itself.
        assert min(own[:2] + own[-1:]) > 2 and sum(count == 0 for count in own) == (number == 1)


def drawn_in(pdf):
    """What is drawn on the sheets of a PDF, unpacked."""
    streams = re.findall(rb"stream\r?\n(.*?)\r?\nendstream", pdf, re.DOTALL)
    unpacked = [zlib.decompress(stream) for stream in streams if stream[:1] == b"\x78"]
    return Counter(stream for stream in unpacked if b" cm\n" in stream)


@needs_browser
def test_print_is_the_same_in_dark_and_has_everything(whole, tmp_path):
    light, dark = (browser.printed(whole, tmp_path / str(dark), dark) for dark in (False, True))
    assert drawn_in(light) == drawn_in(dark) and sum(drawn_in(light).values()) > 5
    assert len(re.findall(rb"/Type ?/Page\b", light)) > 4


@needs_browser
@pytest.mark.parametrize("scripts", [True, False], ids=["with", "without"])
def test_a_link_to_a_case_opens_it(whole, tmp_path, scripts):
    page = whole if scripts else re.sub(rb"<script>.*?</script>", b"", whole, flags=re.DOTALL)
    names = [browser.opened(page, tmp_path / fragment, fragment) for fragment in ("", "case-2")]
    assert names == [[], ["case1"]]


def test_a_case_has_all_models_and_labels(example, whole):
    every = cases.cases(example, cases.values_of(example), [FOREGROUND, "front", "back"], [])
    # Each further case has a larger box and loses less of it; the worst is first.
    assert [case.name for case in every.cases] == [f"case{n}" for n in range(5)]
    expected = [
        f"{score.values[metric]:.{3 - (metric == 'hausdorff95')}f}"
        for label in (FOREGROUND, "front", "back")
        for score in example.scores
        if (score.model, score.case, score.label) == ("LUnet 8", "case2", label)
        for metric in score.values
    ]
    assert len(expected) == 9 and every.cases[2].rows["LUnet 8"] == expected
    assert every.left_out == "" and every.is_printed
    text = whole.decode()
    assert "<td>" + "</td><td>".join(expected) + "</td>" in text
    assert text.count('<details class="case"') == 5


def test_runs_without_a_value_are_told(example):
    scores = [
        replace(score, seed=seed, values={**score.values, "hausdorff95": None if seed == 1 else 2.0})
        for score in example.scores
        for seed in range(3)
    ]
    comparison = replace(example, scores=scores)
    every = cases.cases(comparison, cases.values_of(comparison), ["front"], [])
    assert every.cases[0].rows["UNet"][1] == "2.00 (1 of 3)"


def test_what_there_is_no_room_for_is_said(example):
    many = [replace(score, case=f"{score.case}_{n}") for score in example.scores for n in range(2000)]
    comparison = replace(example, scores=many, worst=[])
    every = cases.cases(comparison, cases.values_of(comparison), [FOREGROUND, "front", "back"], [])
    assert every.labels == [FOREGROUND, "front", "back"] and every.metrics == ["dice"] and not every.is_printed
    assert every.left_out == "Left out, for want of room: distances and surface Dice; scores.csv has them."


LONG = [f"LUnetPruningTrainer_w{n}_keep25_randomAtStamp_1000epochs_250iters_and_a_very_long_remark" for n in range(20)]


@needs_browser
@pytest.mark.parametrize(
    ("names", "labels"),
    [(["Alone"], ["one"]), (LONG, ["front", "back"]), ([HOSTILE, "x" * 300], [f"l{n} {HOSTILE}" for n in range(9)])],
    ids=["one model", "twenty with long names", "hostile names"],
)
def test_other_comparisons_fit_the_window(tmp_path, names, labels):
    comparison = comparisons.make(tmp_path / "data", names=names, labels=labels, cases=2)
    probe = browser.render(written(comparison), tmp_path / "browser", screenshot=False).probe
    assert probe["width"] == browser.WIDTH and probe["outside"] == []
    assert probe["loaded"] == probe["violations"] == probe["errors"] == []
    assert all(image["loaded"] for image in probe["images"])
    assert all(" ".join(name.split()) in " ".join(probe["text"].split()) for name in names)
    assert probe["folded_in_print"] == 0


@pytest.mark.parametrize("what", ["all", "hostile"])
def test_html_is_whole_and_names_are_text(example, tmp_path, what):
    comparison = example
    if what == "hostile":
        comparison = comparisons.make(tmp_path, names=[HOSTILE, "b"], labels=[HOSTILE, "c"], cases=2)
        comparison = replace(
            comparison, dataset=HOSTILE, notes=[HOSTILE], command=HOSTILE, versions={HOSTILE: HOSTILE},
            left_out={HOSTILE: [HOSTILE]}, scores=[replace(s, case=HOSTILE, note=HOSTILE) for s in comparison.scores],
            worst=[replace(w, case=HOSTILE) for w in comparison.worst],
        )  # fmt: skip
    text = written(comparison).decode()
    elements = Elements(text)
    assert elements.open == []
    assert len(elements.all("script")) == len(elements.all("style")) == 1
    sources = [
        value for _, attributes in elements.found for name, value in attributes.items() if name in ("src", "href")
    ]
    # Pictures are in the page; links go to cases in it, and to files beside it.
    own = {f"#{attributes['id']}" for _, attributes in elements.found if "id" in attributes} | set(files.BESIDE)
    assert sources and all(value.startswith("data:image/") or value in own for value in sources)
    assert set(files.BESIDE) <= set(sources)
    assert re.findall(r"url\(|@import", text) == []
    # Each table has headings of columns and of rows.
    headings = elements.all("th")
    assert headings and all(heading.get("scope") in ("col", "row", "colgroup", "rowgroup") for heading in headings)
    # Each `_` may be followed by a <wbr>, which parts the text.
    if what == "hostile":
        assert HOSTILE.split("_")[0] in "".join(elements.text)


@pytest.mark.parametrize(
    ("changes", "absent", "present"),
    [
        ({"worst": []}, "are drawn", "Every case"),
        ({"scores": []}, "Worst cases", "Scores"),
        ({"learning": []}, ">Learning<", "Scores"),
        ({"tests": []}, "Findings", "Nothing was tested"),
        ({"tests": [], "scores": []}, "Against the baseline", "Scores"),
        ({"notes": [], "left_out": {}}, ">Notes<", "Scores"),
        ({"versions": {}, "command": ""}, "<code>", "<footer>"),
    ],
    ids=["no pictures", "no values", "no learning", "no tests", "no scores", "no notes", "no versions"],
)
def test_what_is_not_there_has_no_heading(example, whole, changes, absent, present):
    assert absent in whole.decode()
    text = written(replace(example, **changes)).decode()
    assert absent not in text and present in text
    assert Elements(text).open == []


def test_unknown_costs_and_undefined_scores_are_dashes(example):
    unknown = ("p", "p_holm", "p_rank", "effect_size", "margin", "p_margin", "p_margin_holm", "verdict", "df")
    undefined = [replace(s, mean=None, over_cases=None, cases=0, runs=5, undefined=5) for s in example.summaries]
    comparison = replace(
        example, models=[replace(model, cost=Cost()) for model in example.models], summaries=undefined,
        scores=[
            replace(score, values=dict.fromkeys(score.values), note="reference and prediction are empty")
            for score in example.scores
        ],
        tests=[replace(test, **dict.fromkeys(unknown)) for test in example.tests],
    )  # fmt: skip
    text = written(comparison).decode()
    assert not any(figure in text for figure in (MAIN, DIFFERENCES, CHANNELS, "Dot plot of foreground Dice by case"))
    assert text.count("5 of 5 runs without a value") == 3 * 3 * 3
    assert "reference and prediction are empty (45)" in text and "not tested" in text
    assert "None" not in text and "nan" not in Elements(text).text


def test_a_model_without_parameters_is_named_below_the_figure(example):
    models = [replace(m, cost=Cost()) if m.name == "LUnet 16" else m for m in example.models]
    text = written(replace(example, models=models)).decode()
    assert "its Dice are not known: LUnet 16." in text


@pytest.mark.parametrize("damage", ["missing", "no image", "other shape"])
def test_a_case_that_cannot_be_drawn_says_why(example, tmp_path, damage):
    file = tmp_path / "damaged.nii.gz"
    if damage == "no image":
        file.write_bytes(b"not an image")
    elif damage == "other shape":
        comparisons.write(file, np.zeros((2, 3, 4), dtype=np.uint8))
    worst = [replace(example.worst[0], files={**example.worst[0].files, "UNet": str(file)}), example.worst[1]]
    text = written(replace(example, worst=worst)).decode()
    reason = "UNet has the shape (2, 3, 4)" if damage == "other shape" else "damaged.nii.gz"
    said = re.search("No pictures: (.*?)</p>", text)
    assert said and reason in said[1]
    assert "case1: Reference" in text and "case0: Reference" not in text


def test_many_large_pictures_and_many_cases_stay_below_five_megabytes(tmp_path):
    names = [f"model {n}" for n in range(12)]
    comparison = comparisons.make(tmp_path, names=names, cases=4, worst=4)
    random = np.random.default_rng(0)
    noise = comparisons.write(tmp_path / "noise.nii.gz", random.normal(size=(1, 400, 400)).astype(np.float32))
    labels = comparisons.write(tmp_path / "labels.nii.gz", random.integers(0, 3, (1, 400, 400)).astype(np.uint8))
    worst = [replace(w, image=noise, reference=labels, files=dict.fromkeys(names, labels)) for w in comparison.worst]
    scores = [replace(s, case=f"{s.case}_{n}", note="odd") for s in comparison.scores for n in range(250)]
    assert len(written(replace(comparison, worst=worst, scores=scores))) < 5e6


def test_the_style_of_others_neither_changes_it_nor_is_changed(example, whole):
    with matplotlib.rc_context({"font.size": 25, "axes.facecolor": "red"}):
        found = dict(matplotlib.rcParams)
        assert written(example) == whole
        assert dict(matplotlib.rcParams) == found


def test_label_colours_are_those_of_the_pictures(whole):
    assert all(f".l{i}{{background:{slices.label_colour(i)}}}" in whole.decode() for i in range(2))
