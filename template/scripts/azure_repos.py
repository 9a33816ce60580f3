"""Speaks to Azure Repos as the pipeline that runs: a comment in its pull request, or a new pull request.

The token is that of the job, so it ends with it. The build service needs "Contribute to pull requests" in the
repository, and for a new one "Contribute" and "Create branch" too.
"""

import argparse
import json
import os
import sys
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

API_VERSION = "7.1"
LONGEST_DESCRIPTION = 4000
"""Characters that the description of a pull request takes."""


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; 1 when the platform refuses."""
    parser = argparse.ArgumentParser(description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    comment_parser = commands.add_parser("comment", help="comment the pull request that is validated")
    propose_parser = commands.add_parser("propose", help="open a pull request of a branch into main")
    for item in (comment_parser, propose_parser):
        item.add_argument("text", type=Path, help="Markdown file")
    propose_parser.add_argument("--branch", required=True)
    propose_parser.add_argument("--title", required=True)
    options = parser.parse_args(arguments)
    text = options.text.read_text(encoding="utf-8")
    try:
        if options.command == "comment":
            comment(text)
        else:
            propose(text, options.branch, options.title)
    except urllib.error.URLError as error:
        print(f"Azure Repos refuses: {error}", file=sys.stderr)
        return 1
    return 0


def comment(text: str) -> None:
    """Write a comment that asks for no answer."""
    number = os.environ["SYSTEM_PULLREQUEST_PULLREQUESTID"]
    words = {"parentCommentId": 0, "content": text, "commentType": "text"}
    call("POST", f"pullRequests/{number}/threads", {"comments": [words], "status": "closed"})


def propose(text: str, branch: str, title: str) -> None:
    """Open a pull request, unless the branch has one; what its description does not hold becomes a comment."""
    source = f"refs/heads/{branch}"
    open_ones = call("GET", f"pullrequests?searchCriteria.sourceRefName={source}&searchCriteria.status=active")
    if open_ones["value"]:
        number = open_ones["value"][0]["pullRequestId"]
    else:
        body = {"sourceRefName": source, "targetRefName": "refs/heads/main", "title": title}
        number = call("POST", "pullrequests", {**body, "description": text[:LONGEST_DESCRIPTION]})["pullRequestId"]
    if open_ones["value"] or len(text) > LONGEST_DESCRIPTION:
        words = {"parentCommentId": 0, "content": text, "commentType": "text"}
        call("POST", f"pullRequests/{number}/threads", {"comments": [words], "status": "closed"})
    print(f"Pull request {number}")


def call(method: str, path: str, body: dict[str, Any] | None = None) -> Any:
    """Ask the repository of this pipeline.

    Raises:
        urllib.error.URLError: It refuses.
    """
    place = f"{os.environ['SYSTEM_COLLECTIONURI']}{os.environ['SYSTEM_TEAMPROJECTID']}"
    url = f"{place}/_apis/git/repositories/{os.environ['BUILD_REPOSITORY_ID']}/{path}"
    url += f"{'&' if '?' in path else '?'}api-version={API_VERSION}"
    headers = {"Authorization": f"Bearer {os.environ['SYSTEM_ACCESSTOKEN']}", "Content-Type": "application/json"}
    data = json.dumps(body).encode() if body is not None else None
    request = urllib.request.Request(url, data=data, headers=headers, method=method)
    with urllib.request.urlopen(request, timeout=60) as response:
        return json.load(response)


if __name__ == "__main__":
    sys.exit(main())
