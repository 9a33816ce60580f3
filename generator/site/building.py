"""The site, put together from docs/, from the gallery and from a theme that loads nothing from elsewhere."""

import importlib.util
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from generator.errors import GroundplanError
from generator.paths import ROOT
from generator.site import pages
from generator.site.exhibits import Exhibit

HERE = Path(__file__).parent
DOCS = ROOT / "docs"
MERMAID = ROOT / "node_modules" / "mermaid" / "dist" / "mermaid.min.js"

SECTIONS = (
    ("Tutorial", "tutorial"),
    ("How to", "how-to"),
    ("Reference", "reference"),
    ("Explanation", "explanation"),
)
"""Title -> folder of docs/."""

SITE = "`groundplan site --out build/site` makes a site of these pages, with a gallery:"
GALLERY = "The [gallery](gallery/index.md) shows what comes out, and [compares](gallery/compare.md) it:"
"""What the overview says of the gallery: how it is made, and, on the site, where it is."""

FENCE = "pymdownx.superfences.fence_code_format"
LINK = re.compile(r"(?<!!)\[([^\]]+)\]\((?!https?:|#|mailto:)([^)#\s]+)(#[^)\s]*)?\)")


def build(exhibits: Sequence[Exhibit], out: Path) -> list[str]:
    """Build the site.

    Args:
        exhibits: What the gallery shows, in order.
        out: Folder of the site; a site in it is replaced.

    Returns:
        The pages of the site, relative to `out`.

    Raises:
        GroundplanError: MkDocs or Mermaid is missing, `out` holds something else, or a link is broken.
    """
    require(out)
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "docs"
        assemble(exhibits, source)
        _mkdocs(Path(folder), source, exhibits, out)
    return sorted(str(path.relative_to(out)) for path in out.rglob("*.html"))


def require(out: Path) -> None:
    """Refuse what would fail only after every variant was evaluated.

    Raises:
        GroundplanError: MkDocs or Mermaid is missing, or `out` holds something that is no site.
    """
    if importlib.util.find_spec("material") is None:
        raise GroundplanError('MkDocs is not installed: run `pip install --editable ".[site]"` in the checkout.', 1)
    if not MERMAID.is_file():
        raise GroundplanError("mermaid is not installed: run `npm ci` in the checkout.", 1)
    if out.exists() and any(out.iterdir()) and not (out / "sitemap.xml").is_file():
        raise GroundplanError(f"{out} holds something that is no site: give another folder.")


def assemble(exhibits: Sequence[Exhibit], source: Path) -> None:
    """Write the source of the site: docs/ and what is generated."""
    shutil.copytree(DOCS, source)
    text = (source / "README.md").read_text(encoding="utf-8").replace(SITE, GALLERY)
    (source / "README.md").unlink()
    (source / "index.md").write_text(text, encoding="utf-8")
    shutil.copy(ROOT / "CHANGELOG.md", source / "changelog.md")
    for path in source.rglob("*.md"):
        path.write_text(_within(path, source), encoding="utf-8")
    gallery = source / "gallery"
    gallery.mkdir()
    for item in exhibits:
        (gallery / f"{item.name}.md").write_text(pages.variant(item), encoding="utf-8")
    (gallery / "index.md").write_text(pages.overview(exhibits), encoding="utf-8")
    (gallery / "compare.md").write_text(pages.comparison(exhibits), encoding="utf-8")
    mutations = source / "reference" / "mutations.md"
    text = mutations.read_text(encoding="utf-8") if mutations.is_file() else ""
    (source / "reference" / "coverage.md").write_text(pages.coverage(exhibits, text), encoding="utf-8")
    shutil.copytree(HERE / "assets", source / "assets", dirs_exist_ok=True)
    (source / "assets" / "gallery.js").write_text(pages.data(exhibits), encoding="utf-8")
    shutil.copy(MERMAID, source / "assets" / "mermaid.min.js")


def _within(path: Path, source: Path) -> str:
    """The text of a page; links that leave docs/ are only words here, but for those to pages that have moved."""
    moved = {
        (source / "README.md").resolve(): source / "index.md",
        (source.parent / "CHANGELOG.md").resolve(): source / "changelog.md",
    }

    def link(found: re.Match[str]) -> str:
        target = (path.parent / found[2]).resolve()
        if target in moved:
            return f"[{found[1]}]({os.path.relpath(moved[target], path.parent)}{found[3] or ''})"
        return found[0] if target.is_relative_to(source.resolve()) else found[1]

    return LINK.sub(link, path.read_text(encoding="utf-8"))


def _mkdocs(folder: Path, source: Path, exhibits: Sequence[Exhibit], out: Path) -> None:
    configuration = folder / "mkdocs.yml"
    text = yaml.safe_dump(settings(source, exhibits), sort_keys=False, allow_unicode=True)
    # A function is written with a tag that only MkDocs reads.
    configuration.write_text(text.replace(f"'{FENCE}'", FENCE).replace(FENCE, f"!!python/name:{FENCE}"))
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--clean"]
    completed = subprocess.run(
        [*command, "--config-file", str(configuration), "--site-dir", str(out.resolve())],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "true"},
    )
    if completed.returncode:
        said = [line for line in completed.stderr.splitlines() if "WARNING" in line or "ERROR" in line]
        raise GroundplanError(
            f"The site is not built: {' '.join(' '.join(said or completed.stderr.split()).split())}", 1
        )


def settings(source: Path, exhibits: Sequence[Exhibit]) -> dict[str, Any]:
    """The configuration of MkDocs."""
    return {
        "site_name": "Groundplan",
        "site_description": "Needs in, an Azure AI reference architecture out.",
        "docs_dir": str(source),
        # Pages are files, so that the site also opens from a folder, without a server.
        "use_directory_urls": False,
        "theme": {
            "name": "material",
            "custom_dir": str(HERE / "theme"),
            "font": False,
            "features": [
                "navigation.sections",
                "navigation.top",
                "navigation.footer",
                "content.code.copy",
                "toc.follow",
            ],
            "palette": [
                _palette("(prefers-color-scheme: light)", "default", "material/weather-night", "Dark"),
                _palette("(prefers-color-scheme: dark)", "slate", "material/weather-sunny", "Light"),
            ],
        },
        "extra_css": ["assets/site.css"],
        "extra_javascript": ["assets/tables.js"],
        "plugins": ["search"],
        "markdown_extensions": [
            "admonition",
            "attr_list",
            "tables",
            "pymdownx.details",
            {"pymdownx.tabbed": {"alternate_style": True}},
            {"pymdownx.highlight": {"anchor_linenums": False}},
            {"pymdownx.superfences": {"custom_fences": [{"name": "mermaid", "class": "mermaid", "format": FENCE}]}},
            {"toc": {"permalink": True, "toc_depth": 3}},
        ],
        "validation": {"links": {"anchors": "warn", "unrecognized_links": "warn", "absolute_links": "warn"}},
        "nav": _navigation(source, exhibits),
    }


def _palette(media: str, scheme: str, icon: str, other: str) -> dict[str, Any]:
    return {
        "media": media,
        "scheme": scheme,
        "primary": "indigo",
        "accent": "indigo",
        "toggle": {"icon": icon, "name": f"{other} colours"},
    }


def _navigation(source: Path, exhibits: Sequence[Exhibit]) -> list[dict[str, Any]]:
    """The overview, every page of docs/ by folder, then the gallery."""
    nav: list[dict[str, Any]] = [{"Overview": "index.md"}]
    for title, folder in SECTIONS:
        nav.append({title: [f"{folder}/{path.name}" for path in sorted((source / folder).glob("*.md"))]})
    shown = [{item.name: f"gallery/{item.name}.md"} for item in exhibits]
    nav.append({"Gallery": [{"All variants": "gallery/index.md"}, {"Compare": "gallery/compare.md"}, *shown]})
    others = [path.name for path in sorted(source.glob("*.md")) if path.name != "index.md"]
    return [*nav, {"Project": others}]
