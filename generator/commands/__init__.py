"""One module for each command: `NAME` and the function `command` that Typer runs."""
