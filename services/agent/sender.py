"""Reports to the hub: what, when, and what an answer means for what was sent."""

from __future__ import annotations

import logging
import random
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from services.agent.buffer import Buffer
from services.agent.clock import Clock
from services.agent.commands import Commands, Result
from services.agent.link import LinkError, Reply
from services.agent.protocol import (
    MOST_BYTES,
    MOST_READINGS,
    Answer,
    BadAnswer,
    parse,
    report,
)
from services.agent.segments import Stored
from services.agent.voice import Voice

#: Seconds between two attempts while the hub is away: somewhere from FIRST to a bound that
#: doubles up to LONGEST, but never slower than the readings come.
FIRST, LONGEST = 1.0, 60.0
#: Seconds until a hub that does not know us is asked again, and after which its log line is.
REFUSED = 60.0
#: The longest Retry-After that is believed.
LONGEST_WISH = 600.0
#: After a command the hub is asked every ASK seconds for more of them, ASK_FOR seconds long.
ASK, ASK_FOR = 2.0, 60.0


class Exchanges(Protocol):
    """What a Link does."""

    def exchange(self, body: bytes, token: str) -> Reply: ...


@dataclass(frozen=True)
class _Sent:
    stream: str
    readings: list[Stored]
    results: list[Result]


class Sender:
    """``report`` makes one exchange, ``pause`` says when it is time for it. For one thread.

    ``token`` is asked anew after the hub refused the one before; ``interval`` is told of the
    hub's wish (seconds) and returns the one in force.
    """

    def __init__(
        self,
        link: Exchanges,
        token: Callable[[], str],
        buffer: Buffer,
        commands: Commands,
        clock: Clock,
        voice: Voice,
        interval: Callable[[float | None], float],
        dice: random.Random | None = None,
    ) -> None:
        self._link, self._read_token, self._token = link, token, token()
        self._buffer, self._commands = buffer, commands
        self._clock, self._voice, self._interval = clock, voice, interval
        self._dice = dice or random.SystemRandom()
        self._not_before = 0.0
        self._ask_at = self._ask_until = 0.0
        self._failures = 0
        self._lost_since: float | None = None
        # How the search for what the hub refuses stands, see _refused.
        self._size = MOST_READINGS
        self._suspects: list[Result] = []
        self._blamed = 0

    def pause(self) -> float | None:
        """Seconds until the next report is due; None: when there is something to tell."""
        now = self._clock.steady()
        if now < self._not_before:
            return self._not_before - now
        if self._buffer.has_unacknowledged() or self._commands.has_news():
            return 0.0
        if now < self._ask_until:
            return max(self._ask_at - now, 0.0)
        return None

    def report(self) -> None:
        """One report, and what its answer asks for."""
        sent = self._gather()
        body = report(sent.stream, sent.readings, self._commands.allows, sent.results, self._clock)
        try:
            reply = self._link.exchange(body, self._token)
        except LinkError as error:
            self._fail("away", f"the hub cannot be reached: {error}")
            return
        self._ask_at = self._clock.steady() + ASK
        if reply.status == 200:
            try:
                answer = parse(reply.content)
            except BadAnswer as error:
                self._fail("garbage", f"the answer of the hub cannot be used: {error}")
            else:
                self._taken(sent, answer)
        elif reply.status in (400, 413, 422):
            self._refused(sent, reply.status)
        elif reply.status in (401, 403):
            self._unknown(reply.status)
        else:
            text = f"the hub does not take reports: it answered {reply.status}"
            if reply.status < 500 and reply.status not in (408, 429):
                text += " (is --hub the address of Healthdeck?)"
            wish = reply.retry_after if reply.status in (429, 503) else None
            self._fail(str(reply.status), text, wish)

    def _gather(self) -> _Sent:
        readings = self._buffer.batch(self._size, MOST_BYTES) if self._size else []
        whole = self._size == MOST_READINGS and not self._suspects
        results = self._commands.results() if whole else []
        return _Sent(readings[0].stream if readings else self._buffer.stream, readings, results)

    def _taken(self, sent: _Sent, answer: Answer) -> None:
        rest = [
            one
            for one in sent.readings
            if one.seq > answer.accepted and one.seq not in answer.rejected
        ]
        if rest and rest[0] is sent.readings[0]:
            self._fail("garbage", "the answer of the hub cannot be used: it accepts nothing")
            return
        self._well()
        for one in sent.readings:
            if reason := answer.rejected.get(one.seq):
                self._voice.event(f"the hub does not want reading {one.seq}: {reason}")
        self._settle_suspicion(sent)
        if sent.readings:
            self._buffer.acknowledge(rest[0].seq - 1 if rest else sent.readings[-1].seq)
        self._commands.delivered(sent.results)
        if answer.accepted > self._buffer.last and sent.stream == self._buffer.stream:
            self._buffer.renew_stream()
            self._voice.event(
                "the hub has later readings of this agent than the agent remembers (was this "
                "machine put back to an older state?); what comes now is sent as a new stream"
            )
        self._interval(answer.interval)
        received, hub = self._clock.steady(), answer.server_time
        hub = self._clock.wall() if hub is None else hub
        if self._commands.take(answer.commands, lambda: hub + self._clock.steady() - received):
            self._ask_until = received + ASK_FOR

    def _refused(self, sent: _Sent, status: int) -> None:
        """The hub took nothing because of something in the report. Search for it: without the
        results, then half of the readings, down to one, then none. When it takes none but not
        the one, that reading is at fault; when it takes not even none, no reading is."""
        self._suspects = sent.results
        if sent.readings and not sent.results:
            self._size = len(sent.readings) // 2
            self._blamed = sent.readings[0].seq
        elif not sent.results:
            self._size = MOST_READINGS
            self._fail(str(status), f"the hub takes no report of this agent: it answered {status}")
            return
        self._not_before = self._clock.steady() + FIRST

    def _settle_suspicion(self, sent: _Sent) -> None:
        """The hub took a report: if it refused the one before, we know why."""
        if self._suspects:
            names = ", ".join(one["id"] for one in self._suspects)
            self._voice.event(f"the hub refuses the results of {names}; they are dropped")
            self._commands.delivered(self._suspects)
            self._suspects = []
        if self._size == 0:
            self._voice.event(f"the hub refuses reading {self._blamed}; it is dropped")
            self._buffer.acknowledge(self._blamed)
            self._size = MOST_READINGS
        else:
            self._size = min(self._size * 2, MOST_READINGS)

    def _unknown(self, status: int) -> None:
        text = (
            "the hub does not know this agent's token (401): enroll this machine again"
            if status == 401
            else "this agent's token is not for this machine (403): enroll it again"
        )
        self._voice.state("hub", str(status), f"{text}; readings are kept", again_after=REFUSED)
        fresh = self._read_token()
        if fresh != self._token:
            self._token = fresh
            self._wait(FIRST)
        else:
            self._wait(min(REFUSED, max(self._interval(None), FIRST)) * self._dice.uniform(0.8, 1))

    def _fail(self, state: str, text: str, wish: float | None = None) -> None:
        self._failures += 1
        bound = min(LONGEST, 2.0 ** min(self._failures, 10), max(self._interval(None), FIRST))
        delay = self._dice.uniform(FIRST, bound)
        if wish is not None:  # never earlier than asked for
            delay = max(FIRST, min(wish, LONGEST_WISH)) * self._dice.uniform(1, 1.1)
        self._voice.state("hub", state, f"{text}; readings are kept and sent later")
        self._wait(delay)

    def _wait(self, delay: float) -> None:
        now = self._clock.steady()
        self._lost_since = now if self._lost_since is None else self._lost_since
        self._not_before = now + delay

    def _well(self) -> None:
        text = "the hub takes this agent's reports"
        if self._lost_since is not None:
            away = self._clock.steady() - self._lost_since
            kept = self._buffer.waiting()
            text += f" again, after {away:.0f} s; {kept} reading(s) had been kept for it"
        self._voice.state("hub", "well", text, level=logging.INFO)
        self._failures, self._lost_since = 0, None
