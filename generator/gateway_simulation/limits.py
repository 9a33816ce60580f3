"""Counters of calls and tokens: sliding windows for rates, calendar months for quotas."""

import json
from collections import deque
from typing import Any

from generator.gateway_simulation.clock import Clock, month_of


class Window:
    """What was used in the last seconds."""

    def __init__(self, seconds: float, clock: Clock) -> None:
        """Begin empty."""
        self.seconds, self.clock = seconds, clock
        self.entries: deque[tuple[float, int]] = deque()
        self._used = 0

    def used(self) -> int:
        """Sum over the window."""
        while self.entries and self.entries[0][0] <= self.clock.now() - self.seconds:
            self._used -= self.entries.popleft()[1]
        return self._used

    def add(self, amount: int) -> None:
        """Use something now; a negative amount gives back."""
        self.entries.append((self.clock.now(), amount))
        self._used += amount

    def wait(self) -> int:
        """Seconds until the oldest use is forgotten, at least one."""
        oldest = self.entries[0][0] if self.entries else self.clock.now()
        return max(1, int(oldest + self.seconds - self.clock.now() + 0.999))


class Month:
    """What was used in this calendar month."""

    def __init__(self, clock: Clock) -> None:
        """Begin empty."""
        self.clock, self.begin, self._used = clock, 0.0, 0

    def used(self) -> int:
        """Sum over the month."""
        begin, _ = month_of(self.clock.now())
        if begin != self.begin:
            self.begin, self._used = begin, 0
        return self._used

    def add(self, amount: int) -> None:
        """Use something now; a negative amount gives back."""
        self._used = self.used() + amount

    def wait(self) -> int:
        """Seconds until the next month."""
        return int(month_of(self.clock.now())[1] - self.clock.now() + 0.999)


def estimate(text: str) -> int:
    """Tokens of a text, roughly: four characters each."""
    return max(1, len(text) // 4)


def prompt_tokens(body: bytes) -> int:
    """Estimated tokens of the prompt in a request."""
    document = _json(body)
    if not isinstance(document, dict):
        return 0
    prompt = document.get("messages", document.get("input", ""))
    return estimate(prompt if isinstance(prompt, str) else json.dumps(prompt))


def used_tokens(request: bytes, answer: bytes) -> int:
    """Tokens that an answer says it took; estimated from its text when it does not say, as streams may not."""
    whole = _json(answer)
    if isinstance(whole, dict):
        return _reported(whole) or prompt_tokens(request)
    events = [_json(line[5:].strip()) for line in answer.splitlines() if line.startswith(b"data:")]
    reported = [_reported(event) for event in events if isinstance(event, dict)]
    return max(reported, default=0) or prompt_tokens(request) + estimate(answer.decode(errors="replace"))


def _reported(document: dict[str, Any]) -> int:
    usage = document.get("usage")
    return int(usage.get("total_tokens", 0)) if isinstance(usage, dict) else 0


def _json(text: bytes) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        return None
