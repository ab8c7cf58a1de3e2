"""A channel's workers, and whose turn it is: nobody is sent two messages at a time, and receivers
that keep us waiting leave a worker to the others."""

from __future__ import annotations

import threading

from services.notify.channels import Channel

#: Seconds of a send after which a receiver counts as slow, until it was quick again.
SLOW = 2.0


class Turns:
    """Of so many workers all but one may wait for slow receivers, where there are two or more."""

    def __init__(self, workers: int) -> None:
        self._for_slow = max(workers - 1, 1)
        self._busy: set[str] = set()
        self._slow: set[str] = set()
        self._lock = threading.Lock()

    def begin(self, recipient: str) -> bool:
        """Takes the turn of a recipient; False when it must wait."""
        with self._lock:
            if recipient in self._blocked():
                return False
            self._busy.add(recipient)
            return True

    def end(self, recipient: str, seconds: float | None = None) -> None:
        """Gives the turn back; ``seconds``: how long a send took, None when nothing was sent."""
        with self._lock:
            self._busy.discard(recipient)
            if seconds is not None and seconds > SLOW:
                self._slow.add(recipient)
            elif seconds is not None:
                self._slow.discard(recipient)

    def blocked(self) -> frozenset[str]:
        """Recipients who must wait now."""
        with self._lock:
            return frozenset(self._blocked())

    def _blocked(self) -> set[str]:
        if len(self._busy & self._slow) >= self._for_slow:
            return self._busy | self._slow
        return self._busy


class Lane:
    """The workers of one channel and the signal that there may be something for them."""

    def __init__(self, channel: Channel, workers: int) -> None:
        self.channel = channel
        self.turns = Turns(workers)
        self.threads: list[threading.Thread] = []
        self._changed = threading.Condition()
        self._signalled = False
        self._closed = False

    def signal(self) -> None:
        """Wakes one worker; that one wakes the next when it has found something."""
        with self._changed:
            self._signalled = True
            self._changed.notify()

    def close(self) -> None:
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    def wait(self) -> bool:
        """Waits for a signal; False when the lane is closed."""
        with self._changed:
            self._changed.wait_for(lambda: self._signalled or self._closed)
            self._signalled = False
            return not self._closed
