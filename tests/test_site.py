"""The site: built without a broken link, complete, and without anything that is loaded from elsewhere."""

import json
import re
from html.parser import HTMLParser

import pytest

from generator.answers import variants
from generator.errors import GroundplanError
from generator.paths import ROOT, VARIANTS
from generator.requirements import load
from generator.site import pages
from generator.site.building import build
from generator.site.exhibits import exhibit, section, table
from generator.verification import BROKEN
from tests.support import assert_refused, groundplan

SHOWN = ("batch-only", "foundation-chat")


@pytest.fixture(scope="module")
def exhibits(evaluated):
    known = {item.name: item for item in variants()}
    return [exhibit(known[name], evaluated[name]) for name in SHOWN]


@pytest.fixture(scope="module")
def site(exhibits, tmp_path_factory):
    """A site of two variants: MkDocs is strict about links, anchors and pages without a place."""
    out = tmp_path_factory.mktemp("site")
    build(exhibits, out)
    return out


class Loads(HTMLParser):
    """Addresses of scripts, styles, pictures and fonts that a page loads."""

    def __init__(self):
        super().__init__()
        self.found = []

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        rel = given.get("rel", "")
        if tag in ("script", "img", "iframe") and given.get("src"):
            self.found.append(given["src"])
        if tag == "link" and rel in ("stylesheet", "icon", "preload", "preconnect"):
            self.found.append(given["href"])


def test_the_site_has_every_page_of_the_documentation_and_the_gallery(site):
    written = {path.relative_to(ROOT / "docs").with_suffix(".html") for path in (ROOT / "docs").rglob("*.md")}
    expected = {str(path).replace("README.html", "index.html") for path in written}
    expected |= {f"gallery/{name}.html" for name in (*SHOWN, "index", "compare")} | {"reference/coverage.html"}
    assert expected <= {str(path.relative_to(site)) for path in site.rglob("*.html")}


def test_nothing_is_loaded_from_elsewhere(site):
    for path in site.rglob("*.html"):
        reader = Loads()
        reader.feed(path.read_text(encoding="utf-8"))
        for address in reader.found:
            assert not re.match(r"(https?:)?//", address), f"{path.name} loads {address}"
            if path.name != "404.html":
                assert (path.parent / address.partition("?")[0]).is_file(), f"{path.name} lacks {address}"


def test_a_variant_shows_what_was_evaluated(site, exhibits, evaluated):
    for item in exhibits:
        text = (site / "gallery" / f"{item.name}.html").read_text(encoding="utf-8")
        assert item.description in text and 'class="mermaid"' in text and "mermaid.min.js" in text
        assert len(item.decisions) >= 6 and item.always_on and item.files and item.template_bytes > 10_000
        assert BROKEN not in item.verdicts.values()
        for name, rows in item.environments.items():
            assert len(rows) == len(evaluated[item.name].environments[name].resources) > 0
            assert f"{len(rows)} resources." in text
        assert "](" not in re.sub(r"<(pre|code).*?</\1>", "", text, flags=re.DOTALL)


def test_the_comparison_has_its_data_and_its_choices(site, exhibits):
    text = (site / "assets" / "gallery.js").read_text(encoding="utf-8")
    facts = json.loads(text.removeprefix("window.groundplanGallery = ").rstrip(";\n"))
    assert list(facts) == list(SHOWN)
    first, second = (facts[name] for name in SHOWN)
    assert first["answers"]["functions"] != second["answers"]["functions"]
    assert sum(first["resources"]["dev"].values()) == len(exhibits[0].environments["dev"])
    page = (site / "gallery" / "compare.html").read_text(encoding="utf-8")
    assert page.count('<option value="') == 2 * len(SHOWN)
    assert page.index("assets/gallery.js") < page.index("assets/compare.js")


def test_coverage_has_every_requirement(exhibits):
    text = pages.coverage(exhibits, "| a | b | c | default | GEN-01 | GEN-01, GEN-02 | yes |\n")
    assert all(f"| {row.id} |" in text for row in load())
    (line,) = (line for line in text.splitlines() if line.startswith("| GEN-01 |"))
    assert line.endswith("| 1 |")


def test_the_tree_lists_folders_first():
    assert list(pages.tree(["b.txt", "a/z.txt", "a/c/d.txt"])) == ["a/", "  c/", "    d.txt", "  z.txt", "b.txt"]


def test_sections_and_tables_are_read_as_they_are_written():
    text = "# A\n\n## B\n\n| x | y |\n| --- | --- |\n| 1 \\| 2 | 3 |\n\n## C\n\n| z |\n| - |\n"
    assert table(section(text, "B")) == [["x", "y"], ["1 \\| 2", "3"]]
    assert section(text, "D") == "" and table("") == []


def test_a_broken_link_fails_the_build(exhibits, tmp_path, monkeypatch):
    monkeypatch.setattr(pages, "overview", lambda found: "# Gallery\n\n[nothing](nothing.md)\n")
    with pytest.raises(GroundplanError, match=r"nothing\.md"):
        build(exhibits, tmp_path / "site")


def test_a_folder_with_something_else_is_refused(exhibits, tmp_path):
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(GroundplanError, match="holds something that is no site"):
        build(exhibits, tmp_path)
    assert (tmp_path / "mine.txt").is_file()


def test_the_command_refuses_what_is_no_variant(tmp_path):
    assert_refused(groundplan("site", "nonsense", "--out", tmp_path / "site"), "There is no variant nonsense")
    path = VARIANTS / "default.yml"
    assert_refused(groundplan("site", path, "--out", tmp_path / "site"), "is no variant")
