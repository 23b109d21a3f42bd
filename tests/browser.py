"""A page as a real browser shows it: headless Chromium."""

import html
import json
import re
import shutil
import subprocess
from dataclasses import dataclass

import numpy as np
from matplotlib.image import imread

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
WIDTH = 1280

# Stands before the page's own policy, which would not let it run.
_PROBE = """<script>
const probe = {violations: [], errors: []};
addEventListener("securitypolicyviolation", event => probe.violations.push(event.blockedURI));
addEventListener("error", event => probe.errors.push(String(event.message ?? event.target.src)), true);
addEventListener("load", () => {
  const box = element => { const r = element.getBoundingClientRect(); return [r.left, r.top, r.right, r.bottom]; };
  const rows = () => [...document.querySelectorAll("tr")].map(row => row.innerText.replace(/\\s+/g, " ").trim());
  const page = document.documentElement;
  probe.width = page.scrollWidth;
  probe.height = page.scrollHeight;
  probe.outside = [...document.body.querySelectorAll("*")].filter(element => {
    const [left, top, right, bottom] = box(element);
    // Scores of a case may be of many labels: their table scrolls.
    return right > left && (left < 0 || right > innerWidth + 1) && !element.closest(".numbers");
  }).map(element => element.outerHTML.slice(0, 200));
  const verdict = document.querySelector("td.words");
  probe.verdict = verdict ? [box(verdict)[0], box(verdict)[2]] : null;
  probe.images = [...document.images].map(i => ({alt: i.alt, loaded: i.complete && i.naturalWidth > 0, box: box(i)}));
  probe.loaded = performance.getEntriesByType("resource").map(entry => entry.name).filter(n => !n.startsWith("data:"));
  probe.text = document.body.innerText;
  probe.title = document.title;
  probe.rows = rows();
  const heading = document.querySelector("table")?.querySelectorAll("[role=button]")[1];
  probe.sorted = ["Enter", " "].map(key => {
    heading?.dispatchEvent(new KeyboardEvent("keydown", {key}));
    return rows();
  });
  dispatchEvent(new Event("beforeprint"));
  probe.folded_in_print = document.querySelectorAll("details:not([open], .filter, .unprinted)").length;
  const filter = document.getElementById("filter");
  if (filter) {
    const seen = () => [...document.querySelectorAll("[data-m]")]
      .filter(part => part.checkVisibility()).map(part => part.dataset.m);
    filter.querySelector("input[value='2']").click();
    const drawing = document.querySelector("img.drawing");
    const said = document.getElementById("shown").textContent;
    probe.filtered = {shown: seen(), said, drawing: atob(drawing.src.split(",")[1]).slice(-60)};
    document.getElementById("all").click();
    probe.unfiltered = seen();
  }
  if (parent !== window) return parent.postMessage(JSON.stringify(probe), "*");
  const result = document.createElement("pre");
  result.id = "probe";
  result.textContent = JSON.stringify(probe);
  document.body.append(result);
});
</script>"""
#: Below this width Chromium has no window: the page is shown in a frame.
_NARROWEST = 500
_FRAME = """<!DOCTYPE html><body style="margin: 0">
<iframe src="{page}" width="{width}" height="{height}" style="border: 0; display: block"></iframe>
<script>addEventListener("message", event => {{
  const result = document.createElement("pre");
  result.id = "probe";
  result.textContent = event.data;
  document.body.append(result);
}});</script>"""
_DARK = "--blink-settings=preferredColorScheme=0"


@dataclass(frozen=True)
class Rendered:
    """What the browser says of the page, and a screenshot ``(H, W, 3)``, 0 to 255, of all of it."""

    probe: dict
    picture: np.ndarray | None

    def region(self, alt):
        """The part of the screenshot that the image with this alternative text takes."""
        left, top, right, bottom = next(
            map(round, image["box"]) for image in self.probe["images"] if alt in image["alt"]
        )
        assert self.picture is not None
        return self.picture[top:bottom, left:right]


def render(page, folder, screenshot=True, width=WIDTH, dark=False):
    """:param page: HTML as bytes"""
    folder.mkdir(parents=True, exist_ok=True)
    probed, original, picture = (folder / name for name in ("probed.html", "page.html", "page.png"))
    original.write_bytes(page)
    first = b'<meta charset="utf-8">'
    assert page.count(first) == 1
    probed.write_bytes(page.replace(first, first + _PROBE.encode()))
    options = [_DARK] * dark
    dom = _run(folder, "--dump-dom", *options, *_window(folder, probed, width, 900))
    written = re.search('<pre id="probe">(.*?)</pre>', dom, re.DOTALL)
    assert written
    probe = json.loads(html.unescape(written[1]))
    if screenshot:
        _run(folder, f"--screenshot={picture}", *options, *_window(folder, original, width, probe["height"]))
    shown = (255 * imread(picture)[:, :width, :3]).round().astype(int) if screenshot else None
    return Rendered(probe, shown)


def printed(page, folder, dark=False):
    """The page as PDF: its bytes."""
    folder.mkdir(parents=True, exist_ok=True)
    original, paper = folder / "page.html", folder / "page.pdf"
    original.write_bytes(page)
    _run(folder, "--no-pdf-header-footer", f"--print-to-pdf={paper}", *[_DARK] * dark, original.as_uri())
    return paper.read_bytes()


def opened(page, folder, fragment):
    """Names of the cases that are open where the address ends in this fragment."""
    folder.mkdir(parents=True, exist_ok=True)
    original = folder / "page.html"
    original.write_bytes(page)
    dom = _run(folder, "--dump-dom", f"{original.as_uri()}#{fragment}")
    return re.findall(r'<details class="case[^"]*" open="[^"]*"><summary>(\S+)', dom)


def _window(folder, page, width, height):
    """Options and address."""
    if width >= _NARROWEST:
        return f"--window-size={width},{height}", page.as_uri()
    frame = folder / "frame.html"
    frame.write_text(_FRAME.format(page=page.as_uri(), width=width, height=height))
    return "--virtual-time-budget=5000", f"--window-size={_NARROWEST},{height}", frame.as_uri()


def _run(folder, *options):
    assert CHROMIUM
    done = subprocess.run(
        [
            CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars",
            "--force-device-scale-factor=1", "--host-resolver-rules=MAP * ~NOTFOUND",
            f"--user-data-dir={folder / 'profile'}", *options,
        ],
        capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout
