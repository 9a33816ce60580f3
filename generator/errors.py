"""The one exception that a user may see: a clear sentence that says what to change."""


class GroundplanError(Exception):
    """Bad input or a missing tool.

    Args:
        message: One sentence for the user: what is wrong and what to change.
        exit_code: Process exit code; 2 for bad input, 1 for something broken or absent.
    """

    def __init__(self, message: str, exit_code: int = 2) -> None:
        """Keep the sentence and the exit code."""
        super().__init__(message)
        self.message = message
        self.exit_code = exit_code
