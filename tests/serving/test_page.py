"""The page of a service, driven in a headless browser.

Needs the package `playwright` and a Chromium in the path.
"""

import base64
import shutil

import pytest

import keras_transfer as kt
from tests.serving import test_several_outputs
from tests.serving.http_client import photograph
from tests.serving.http_client import running

BROWSERS = ("chromium-headless-shell", "chromium", "google-chrome")

# Nothing but the service is asked for anything.
OFFLINE = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)

# What a browser hands over when files are dropped.
DROP = """(zone, files) => {
  const transfer = new DataTransfer();
  for (const [name, text] of files) {
    const bytes = Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
    transfer.items.add(new File([bytes], name, { type: "image/png" }));
  }
  zone.dispatchEvent(
    new DragEvent("drop", { bubbles: true, dataTransfer: transfer })
  );
}"""


@pytest.fixture(scope="module")
def browser():
    playwright = pytest.importorskip("playwright.sync_api")
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    if found is None:
        pytest.skip(f"none of {BROWSERS} is in the path")
    with playwright.sync_playwright() as started:
        chromium = started.chromium.launch(executable_path=found, args=OFFLINE)
        yield chromium
        chromium.close()


@pytest.fixture
def page(browser, service):
    yield from opened(browser, service)


@pytest.fixture
def page_of_outputs(browser, tmp_path):
    kt.save_model(test_several_outputs.build(), tmp_path / "m.keras")
    with running(kt.build_service(tmp_path / "m.keras")) as service:
        yield from opened(browser, service)


def opened(browser, service):
    context = browser.new_context()
    page = context.new_page()
    page.problems = []
    page.on("pageerror", lambda error: page.problems.append(str(error)))
    page.on("console", lambda line: page.problems.append(line.text))
    page.elsewhere = []

    def note(request):
        ours = f"http://127.0.0.1:{service.port}/"
        if not request.url.startswith((ours, "blob:", "data:")):
            page.elsewhere.append(request.url)

    page.on("request", note)
    page.goto(f"http://127.0.0.1:{service.port}/")
    yield page
    assert page.elsewhere == []
    context.close()


def classes_of(card):
    return [
        (row.locator("span").first.inner_text(), float(text.split()[0]))
        for row in card.locator(".row").all()
        for text in [row.locator("span").last.inner_text()]
    ]


@pytest.mark.slow
def test_dropped_photographs_show_their_classes(page, service, tmp_path):
    page.get_by_text("3 classes: a, b, c.").wait_for()
    files = [(f"{i}.png", photograph(i)) for i in (1, 2)]
    page.locator("#zone").evaluate(
        DROP, [(name, base64.b64encode(file).decode()) for name, file in files]
    )
    page.locator("article ol").nth(1).wait_for()
    for name, contents in files:
        card = page.locator("article").filter(has_text=name)
        reply = service.post(contents, "image/png")
        expected = [
            (c["class"], pytest.approx(100 * c["probability"], abs=0.051))
            for c in reply.json["predictions"][0]["classes"]
        ]
        assert classes_of(card) == expected
        assert card.locator("img").evaluate("image => image.naturalWidth") == 30
    page.wait_for_timeout(500)
    widths = [
        bar.evaluate("bar => bar.offsetWidth / bar.parentElement.offsetWidth")
        for bar in card.locator(".bar").all()
    ]
    shares = [share for _, share in classes_of(card)]
    assert widths == pytest.approx([s / 100 for s in shares], abs=0.02)
    assert page.problems == []
    picture = page.screenshot(path=tmp_path / "page.png")
    assert len(picture) > 5_000


@pytest.mark.slow
def test_a_chosen_file_that_is_no_photograph_is_told(page, tmp_path):
    (tmp_path / "<b>not.png").write_bytes(b"%PDF-1.7")
    (tmp_path / "good.png").write_bytes(photograph())
    page.locator("#files").set_input_files(
        [tmp_path / "<b>not.png", tmp_path / "good.png"]
    )
    page.locator("article ol").wait_for()
    error = page.locator("article .error").inner_text()
    assert "The image '<b>not.png' cannot be read: it holds PDF data" in error
    assert page.locator("article b").count() == 0


@pytest.mark.slow
def test_each_output_shows_what_its_task_says(page_of_outputs, tmp_path):
    page = page_of_outputs
    page.get_by_text("size: Numbers: length; species: 2 classes").wait_for()
    (tmp_path / "photo.png").write_bytes(photograph())
    page.locator("#files").set_input_files([tmp_path / "photo.png"])
    page.locator("article ol").nth(3).wait_for()
    names = page.locator("article .output").all_inner_texts()
    assert names == test_several_outputs.NAMES
    length = page.locator("article ol").nth(1).inner_text()
    assert length.split()[0] == "length"
    assert length.split()[-1] == "mm"
    float(length.split()[1])
    assert page.problems == []
    page.screenshot(path=tmp_path / "page.png")
