"""The pages that are written from the gallery: variants, their comparison, and the coverage of the requirements."""

import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from generator.requirements import AREAS, load
from generator.site.exhibits import Decision, Exhibit, Table
from generator.traceability import cell
from generator.verification import ABSENT, BROKEN, HOLDS

FOLDED = ("microsoft.authorization/roleassignments", "microsoft.insights/diagnosticsettings")
"""Types that every resource has some of: they are listed apart, folded."""


def overview(exhibits: Sequence[Exhibit]) -> str:
    """The first page of the gallery."""
    lines = [
        "# Gallery",
        "",
        "What different needs lead to. Each variant is an answers file, rendered, compiled and evaluated when this "
        "page was built; nothing of it was deployed. [Compare two of them](compare.md).",
        "",
        "| Variant | What | Environments | Resources in the last one | Files | Requirements that hold |",
        "| --- | --- | --- | --- | --- | --- |",
    ]
    for item in exhibits:
        last = list(item.environments.values())[-1] if item.environments else []
        lines.append(
            f"| [{item.name}]({item.name}.md) | {item.description} | {', '.join(item.environments)} | {len(last)} "
            f"| {len(item.files)} | {list(item.verdicts.values()).count(HOLDS)} |"
        )
    return "\n".join(lines) + "\n"


def variant(item: Exhibit) -> str:
    """The page of a variant."""
    return "\n".join(_variant(item)) + "\n"


def _variant(item: Exhibit) -> Iterator[str]:
    counts = Counter(item.verdicts.values())
    yield from ("---", "diagram: true", "---", "", f"# {item.name}", "", item.description, "")
    yield (
        f"{counts[HOLDS]} requirements hold, {counts[BROKEN]} are broken, {counts[ABSENT]} do not apply. "
        f"The compiled template has {item.template_bytes / 1000:.0f} kB. "
        f'<a href="compare.html?a={item.name}">Compare it with another variant.</a>'
    )
    yield from ("", "## Diagram", "", "```mermaid", item.diagram.rstrip(), "```")
    yield from ("", "## Answers", "")
    if item.answers_file.strip():
        yield from ("What its answers file says; everything else is recommended.", "")
        yield from ("```yaml", item.answers_file.rstrip(), "```")
    else:
        yield "It takes every recommendation: its answers file says nothing."
    yield from ("", "```shell", f"groundplan render {item.name} --out build", "```")
    yield from ("", "## Decisions", "")
    for decision in item.decisions:
        yield from _folded(decision.title, _decision(decision))
    yield from ("## Resources { data-search-exclude }", "")
    for environment, resources in item.environments.items():
        yield from _tab(environment, _resources(resources))
    yield from ("## What costs money", "", "While nobody uses it:", "")
    yield from _table(item.always_on)
    yield from ("", "Only while it works:", "")
    yield from _table(item.to_zero)
    yield from ("", "## Files { data-search-exclude }", "")
    yield from _folded(f"{len(item.files)} files", ["```text", *tree(item.files), "```"])


def _decision(decision: Decision) -> Iterator[str]:
    yield from (_plain(decision.reason).splitlines())
    yield ""
    yield from _table([[_plain(text) for text in row] for row in decision.answers])


def _resources(resources: Sequence[Mapping[str, str]]) -> Iterator[str]:
    shown = [row for row in resources if row["type"].lower() not in FOLDED]
    titles = ["Type", "Name", "Resource group", "Region", "Size"]
    yield f"{len(resources)} resources."
    yield ""
    yield from _table([titles, *(_cells(row) for row in shown)])
    yield ""
    for kind in FOLDED:
        rows = [row for row in resources if row["type"].lower() == kind]
        if rows:
            word = "role assignments" if "role" in kind else "diagnostic settings"
            yield from _folded(f"{len(rows)} {word}", _table([titles[1:3], *(_cells(row)[1:3] for row in rows)]))


def _cells(row: Mapping[str, str]) -> list[str]:
    name, group = cell(row["name"]), cell(row["group"])
    return [row["type"].removeprefix("Microsoft."), name, group, row["region"], row["size"]]


def _table(rows: Table) -> Iterator[str]:
    if rows:
        yield f"| {' | '.join(rows[0])} |"
        yield f"|{' --- |' * len(rows[0])}"
        yield from (f"| {' | '.join(row)} |" for row in rows[1:])


def _folded(title: str, lines: Iterator[str] | Sequence[str]) -> Iterator[str]:
    yield from (f'??? abstract "{title}"', "", *_indented(lines), "")


def _tab(title: str, lines: Iterator[str]) -> Iterator[str]:
    yield from (f'=== "{title}"', "", *_indented(lines), "")


def _indented(lines: Iterator[str] | Sequence[str]) -> Iterator[str]:
    return (f"    {line}" if line else "" for line in lines)


def _plain(text: str) -> str:
    """Text of a project without links to its other files, which are not part of the site."""
    return re.sub(r"\[([^\]]+)\]\((?!https?:)[^)]*\)", r"\1", text)


def tree(files: Sequence[str]) -> Iterator[str]:
    """Files as a tree, folders first."""
    nested: dict[str, Any] = {}
    for path in files:
        folder = nested
        *parents, name = path.split("/")
        for part in parents:
            folder = folder.setdefault(part, {})
        folder[name] = None
    yield from _branch(nested, "")


def _branch(folder: Mapping[str, Any], indent: str) -> Iterator[str]:
    for name, below in sorted(folder.items(), key=lambda pair: (pair[1] is None, pair[0])):
        yield f"{indent}{name}{'' if below is None else '/'}"
        if below is not None:
            yield from _branch(below, indent + "  ")


def comparison(exhibits: Sequence[Exhibit]) -> str:
    """The page that compares two variants; `compare.js` fills it."""
    names = [item.name for item in exhibits]
    choices = "".join(f'<option value="{name}">{name}</option>' for name in names)
    return f"""---
scripts: [assets/gallery.js, assets/compare.js]
search:
  exclude: true
hide: [toc]
---

# Compare two variants

<form class="compare" id="compare">
<label>First <select name="a">{choices}</select></label>
<label>Second <select name="b">{choices}</select></label>
</form>
<div id="comparison"><p>This page needs JavaScript: it compares in the browser.</p></div>
"""


def data(exhibits: Sequence[Exhibit]) -> str:
    """What the comparison reads, as a script: a page that is opened from a folder may not fetch files."""
    facts = {item.name: _facts(item) for item in exhibits}
    return f"window.groundplanGallery = {json.dumps(facts, ensure_ascii=False, separators=(',', ':'))};\n"


def _facts(item: Exhibit) -> dict[str, Any]:
    answers = {
        row[0].strip("`"): _plain(row[1]).replace("`", "") for record in item.decisions for row in record.answers[1:]
    }
    return {
        "description": item.description,
        "answers": answers,
        "requirements": item.verdicts,
        "resources": {
            name: dict(sorted(Counter(row["type"].removeprefix("Microsoft.") for row in rows).items()))
            for name, rows in item.environments.items()
        },
        "cost": {f"{row[0]} in {row[1]}".replace("`", ""): row[3].replace("`", "") for row in item.always_on[1:]},
        "files": item.files,
    }


def coverage(exhibits: Sequence[Exhibit], mutations: str) -> str:
    """Requirements: where each holds, and how many mutations prove that its check notices."""
    broken = Counter(re.findall(r"\| ([A-Z]+-\d\d) \| [^|]* \| (?:yes|\*\*no\*\*) \|$", mutations, re.MULTILINE))
    lines = [
        "# Coverage of the requirements",
        "",
        f"Judged on {len(exhibits)} variants when this page was built. Mutations are changes that break a requirement "
        "on purpose: [all of them](mutations.md).",
    ]
    rows = load()
    for title, area in zip(AREAS, dict.fromkeys(row.area for row in rows), strict=True):
        lines += ["", f"## {title.capitalize()}", ""]
        lines += ["| Id | Requirement | Check | Holds in | Does not apply in | Mutations |", "|" + " --- |" * 6]
        for row in (row for row in rows if row.area == area):
            verdicts = Counter(item.verdicts.get(row.id, "") for item in exhibits)
            check = f"`{row.check}`" if row.check else "not yet"
            counts = f"{verdicts[HOLDS]} | {verdicts[ABSENT]} | {broken[row.id]}" if row.check else " |  | "
            lines.append(f"| {row.id} | {cell(row.sentence)} | {check} | {counts} |")
    return "\n".join(lines) + "\n"
