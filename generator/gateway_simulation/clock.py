"""Time: as it is, or as a test wants it."""

import time
from datetime import datetime, timedelta, timezone
from re import fullmatch
from typing import Protocol

from generator.gateway_simulation.messages import SimulationError


class Clock(Protocol):
    """Seconds since 1970, and waiting."""

    def now(self) -> float:
        """Seconds since 1970."""

    def sleep(self, seconds: float) -> None:
        """Wait."""


class SystemClock:
    """The clock of this machine."""

    def now(self) -> float:
        """Seconds since 1970."""
        return time.time()

    def sleep(self, seconds: float) -> None:
        """Wait."""
        time.sleep(seconds)


class VirtualClock:
    """Stands still until it is told to move."""

    def __init__(self, start: datetime = datetime(2026, 3, 2, 9, tzinfo=timezone.utc)) -> None:
        """Begin in the middle of a day."""
        self._now = start.timestamp()

    def now(self) -> float:
        """Seconds since 1970."""
        return self._now

    def sleep(self, seconds: float) -> None:
        """Move on."""
        self._now += seconds


def seconds_of(duration: str) -> float:
    """Seconds of a duration such as PT1M or P1D.

    Raises:
        SimulationError: It is none of days, hours, minutes and seconds.
    """
    found = fullmatch(r"P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)S)?)?", duration)
    if not found:
        raise SimulationError(f"The duration {duration} is not simulated: use days, hours, minutes and seconds.")
    days, hours, minutes, seconds = (int(part or 0) for part in found.groups())
    return timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds).total_seconds()


def month_of(now: float) -> tuple[float, float]:
    """Begin and end of the calendar month of a moment."""
    moment = datetime.fromtimestamp(now, timezone.utc)
    first = moment.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    following = (first + timedelta(days=32)).replace(day=1)
    return first.timestamp(), following.timestamp()
