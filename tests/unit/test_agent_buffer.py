"""What the agent keeps while the hub is away: kills, power cuts, full disks, old states."""

from __future__ import annotations

import errno
import os
import random
import shutil
from pathlib import Path

import pytest

from services.agent.buffer import Buffer
from services.agent.files import AgentError, decode, encode, take_folder, write_durably
from services.agent.numbers import RESERVED_AT_ONCE, Numbers
from services.agent.segments import Stored
from services.agent.voice import Voice


class Disk:
    """A disk with ``room`` bytes left."""

    def __init__(self, room: float = float("inf")) -> None:
        self.room = room

    def write(self, fd: int, content: bytes) -> int:
        taken = content[: int(min(self.room, len(content)))]
        if not taken:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        self.room -= len(taken)
        return os.write(fd, taken)


def opened(folder: Path, **options) -> Buffer:
    return Buffer(folder, Voice(lambda: 0.0), lambda: 0.0, **options)


def reading(number: int, padding: int = 0) -> dict:
    return {"at": float(number), "metrics": {}, "facts": {"pad": "x" * padding}}


def filled(folder: Path, count: int, padding: int = 0, **options) -> Buffer:
    buffer = opened(folder, **options)
    for number in range(count):
        buffer.append(reading(number, padding))
    return buffer


def seqs(buffer: Buffer) -> list[int]:
    return [one.seq for one in buffer.batch(10**6, 10**9)]


def test_readings_come_back_in_order_and_go_when_acknowledged(tmp_path: Path) -> None:
    buffer = filled(tmp_path, 5)
    assert [one.seq for one in buffer.batch(3, 10**6)] == [1, 2, 3]
    assert len(buffer.batch(5, 1)) == 1, "never nothing"
    buffer.acknowledge(3)
    assert seqs(buffer) == [4, 5]
    assert buffer.waiting() == 2
    buffer.acknowledge(5)
    assert not buffer.has_unacknowledged()
    assert [p.stat().st_size for p in tmp_path.glob("readings-*")] == [0]


def test_another_process_goes_on_where_one_was_killed(tmp_path: Path) -> None:
    killed = filled(tmp_path, 3)
    after = opened(tmp_path)
    after.append(reading(3))
    assert after.stream == killed.stream
    assert seqs(after) == [1, 2, 3, RESERVED_AT_ONCE + 1]


def test_after_an_orderly_end_the_numbers_go_on_without_a_gap(tmp_path: Path) -> None:
    filled(tmp_path, 3).close()
    after = opened(tmp_path)
    after.append(reading(3))
    assert seqs(after) == [1, 2, 3, 4]


def test_a_number_that_was_sent_never_comes_again(tmp_path: Path) -> None:
    """A power cut takes away what was not synced; the number may be with the hub already."""
    for _ in range(3):
        before = filled(tmp_path, 2)
        sent = before.last
        for file in tmp_path.glob("readings-*"):
            file.unlink()
        after = opened(tmp_path)
        after.append(reading(0))
        assert after.stream == before.stream
        assert seqs(after)[0] > sent


@pytest.mark.parametrize("cut", range(1, 40, 3))
def test_a_half_written_tail_is_skipped(tmp_path: Path, cut: int) -> None:
    filled(tmp_path, 3)
    (file,) = tmp_path.glob("readings-*")
    file.write_bytes(file.read_bytes()[:-cut])
    after = opened(tmp_path)
    after.append(reading(3))
    assert seqs(after) == [1, 2, RESERVED_AT_ONCE + 1]


def test_damage_anywhere_costs_only_what_it_hit(tmp_path: Path) -> None:
    dice = random.Random(5)
    filled(tmp_path, 40)
    (file,) = tmp_path.glob("readings-*")
    whole = file.read_bytes()
    lines = whole.splitlines(keepends=True)
    starts = [sum(map(len, lines[:n])) for n in range(len(lines) + 1)]
    for turn in range(60):
        damaged = bytearray(whole)
        place = dice.randrange(len(damaged))
        damaged[place] ^= 1 << dice.randrange(8)
        file.write_bytes(damaged)
        hit = next(n for n in range(len(lines)) if starts[n + 1] > place)
        left = seqs(opened(tmp_path))
        assert set(range(1, 41)) - set(left) <= {hit + 1, hit + 2}, f"turn {turn}"


@pytest.mark.parametrize(
    "junk", [b"\x00" * 200_000, b"\n" * 1000, os.urandom(100_000), b"9" * 9 + b" {}\n"]
)
def test_a_file_full_of_junk(tmp_path: Path, junk: bytes) -> None:
    buffer = filled(tmp_path, 2)
    name = f"readings-{1:016d}-{buffer.stream}.log"
    (tmp_path / name).write_bytes(junk)
    (tmp_path / "readings-x.log").write_bytes(junk)
    after = opened(tmp_path)
    after.append(reading(0))
    assert [seq for seq in seqs(after) if seq > 2] == [RESERVED_AT_ONCE + 1]


def test_a_lost_or_damaged_name_begins_a_new_stream(tmp_path: Path) -> None:
    before = filled(tmp_path, 2)
    (tmp_path / "stream").write_bytes(b"0000 nonsense")
    after = opened(tmp_path)
    after.append(reading(2))
    assert after.stream != before.stream
    first = after.batch(10, 10**6)
    assert {one.stream for one in first} == {before.stream}, "one stream in a batch"
    after.acknowledge(first[-1].seq)
    assert [one.stream for one in after.batch(10, 10**6)] == [after.stream]


def test_the_oldest_go_first_when_there_is_no_room(tmp_path: Path) -> None:
    buffer = filled(tmp_path, 300, padding=200, limit=20_000, segment=2_000)
    left = seqs(buffer)
    assert left == list(range(left[0], 301))
    assert 20_000 - 2_500 < sum(p.stat().st_size for p in tmp_path.glob("readings-*")) <= 22_000
    assert buffer.dropped == left[0] - 1
    assert buffer.waiting() + buffer.dropped == 300


def test_a_day_fits(tmp_path: Path) -> None:
    """At 30 s, of readings twice as long as real ones."""
    buffer = filled(tmp_path, 2880, padding=1200)
    assert buffer.dropped == 0
    assert seqs(buffer) == list(range(1, 2881))


def test_a_full_disk_and_its_end(tmp_path: Path) -> None:
    disk = Disk(1000)
    buffer = opened(tmp_path, write=disk.write)
    for number in range(30):
        buffer.append(reading(number, 50))
    assert buffer.trouble == "No space left on device"
    assert seqs(buffer) == list(range(1, 31)), "memory and disk as one"
    on_disk = seqs(opened(tmp_path))
    assert 0 < len(on_disk) < 30
    buffer.acknowledge(2)
    disk.room = float("inf")
    buffer.append(reading(30))
    assert buffer.trouble is None
    assert seqs(buffer) == list(range(3, 32))
    assert seqs(opened(tmp_path))[-1] == 31


def test_memory_is_bounded_too(tmp_path: Path) -> None:
    buffer = filled(tmp_path, 100, padding=100, write=Disk(0).write, ring=5_000)
    left = seqs(buffer)
    assert left == list(range(left[0], 101))
    assert 20 < len(left) < 50
    assert buffer.dropped == left[0] - 1


def test_the_disk_comes_and_goes(tmp_path: Path) -> None:
    """With rests of lines and acknowledgements in between: in order, each once."""
    dice = random.Random(11)
    disk = Disk()
    buffer = opened(tmp_path, write=disk.write, segment=1500)
    seen: list[Stored] = []
    for number in range(600):
        disk.room = dice.choice([0, 1, 30, 200, float("inf"), float("inf")])
        buffer.append(reading(number, dice.randrange(80)))
        if dice.random() < 0.2:
            batch = buffer.batch(dice.randrange(1, 40), 10**6)
            seen += batch
            buffer.acknowledge(batch[-1].seq)
    seen += buffer.batch(10**6, 10**9)
    assert [one.seq for one in seen] == list(range(1, 601))
    assert [b'"at":%d.0' % n in one.content for n, one in enumerate(seen)] == [True] * 600


def test_numbers_without_a_reservation_belong_to_a_stream_that_nobody_will_continue(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    numbers = Numbers(tmp_path, 0)
    numbers.take()
    named = numbers.stream

    def full(path: Path, content: bytes) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("services.agent.numbers.write_durably", full)
        given = [numbers.take() for _ in range(RESERVED_AT_ONCE + 5)]
        assert numbers.trouble == "No space left on device"
    assert given == list(range(2, RESERVED_AT_ONCE + 7))
    unnamed = numbers.stream
    assert unnamed != named
    assert Numbers(tmp_path, given[-1]).stream == named, "a crash now leaves the new one"
    numbers.take()
    assert numbers.trouble is None
    assert numbers.stream == unnamed, "once it can be written it is continued"
    assert Numbers(tmp_path, 0).stream == unnamed


def test_a_folder_that_is_deleted_while_it_works(tmp_path: Path) -> None:
    folder = tmp_path / "state"
    folder.mkdir()
    buffer = filled(folder, 3)
    shutil.rmtree(folder)
    assert seqs(buffer) == []
    assert not buffer.has_unacknowledged(), "nobody waits for what is gone"
    buffer.append(reading(3))
    assert buffer.trouble == "No such file or directory"
    assert seqs(buffer) == [4]


def test_one_process_for_one_folder(tmp_path: Path) -> None:
    lock = take_folder(tmp_path / "a" / "state")
    with pytest.raises(AgentError, match="Another agent runs"):
        take_folder(tmp_path / "a" / "state")
    os.close(lock)
    os.close(take_folder(tmp_path / "a" / "state"))
    (tmp_path / "file").write_text("")
    with pytest.raises(AgentError, match="cannot be written"):
        take_folder(tmp_path / "file" / "state")


def test_lines() -> None:
    line = encode(17, b'{"a": 1}')
    assert decode(line) == (17, b'{"a": 1}')
    for wrong in (line[:-1], line[1:], line.replace(b"17", b"18"), b"\n", b"", b"zz zz\n"):
        assert decode(wrong) is None


def test_a_replaced_file_is_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "file"
    write_durably(path, b"old")
    with monkeypatch.context() as patch:
        patch.setattr("services.agent.files.os.write", Disk(0).write)
        with pytest.raises(OSError, match="No space"):
            write_durably(path, b"new")
    assert path.read_bytes() == b"old"
