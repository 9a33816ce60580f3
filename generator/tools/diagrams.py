"""Mermaid diagrams in Markdown parse."""

import re
from collections.abc import Sequence
from pathlib import Path

from generator.tools.common import ToolResult, files, judge
from generator.tools.node import ask

DIAGRAM = re.compile(r"^```mermaid\n(.*?)^```", re.DOTALL | re.MULTILINE)


def check_diagrams(root: Path) -> ToolResult:
    """Every mermaid block parses (mermaid, without a browser); how it looks is not seen."""

    def faults(paths: Sequence[Path]) -> list[str]:
        texts = [path.read_text(encoding="utf-8") for path in paths]
        blocks = [
            (path, text.count("\n", 0, found.start()) + 1, found[1])
            for path, text in zip(paths, texts, strict=True)
            for found in DIAGRAM.finditer(text)
        ]
        unread = [path for path in paths if path not in {block[0] for block in blocks}]
        said = ask("mermaid.mjs", ("mermaid", "jsdom"), {"diagrams": [block[2] for block in blocks]})
        return [
            *(f"{path.relative_to(root)}: a mermaid block does not end" for path in unread),
            *(
                f"{path.relative_to(root)}:{line}: {' '.join(message.split())}"
                for (path, line, _), message in zip(blocks, said, strict=True)
                if message
            ),
        ]

    paths = [path for path in files(root, ".md") if "```mermaid" in path.read_text(encoding="utf-8")]
    return judge("mermaid", paths, faults)
