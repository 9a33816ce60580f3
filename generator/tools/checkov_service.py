"""A service on checkov's own interpreter: {environment: template} -> what checkov reports.

Nothing of this package is imported here: checkov lives in an environment of its own.
"""

import json
import sys
import tempfile
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

from checkov.arm.runner import Runner
from checkov.runner_filter import RunnerFilter


def look(templates: dict[str, Any]) -> dict[str, Any]:
    """Summary and failed rules over templates by name. A runner remembers what it read, so each look has its own."""
    with tempfile.TemporaryDirectory() as folder, redirect_stdout(sys.stderr):
        for name, template in templates.items():
            (Path(folder) / f"{name}.json").write_text(json.dumps(template), encoding="utf-8")
        report = Runner().run(root_folder=folder, runner_filter=RunnerFilter(framework=["arm"]))
    failed = [
        {"file": Path(item.file_path).stem, "resource": item.resource, "rule": item.check_name, "id": item.check_id}
        for item in report.failed_checks
    ]
    return {"summary": report.get_summary(), "failed": failed}


def main() -> None:
    """One request a line in, one answer a line out."""
    for line in sys.stdin:
        reply: dict[str, Any]
        try:
            reply = {"answer": look(json.loads(line))}
        except (Exception, SystemExit) as error:
            reply = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(reply), flush=True)


if __name__ == "__main__":
    main()
