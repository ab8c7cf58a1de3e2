"""Samples of one target and one day as a few bytes, and back again exactly.

Columns of values beside one column of times, as Facebook's Gorilla has them: times as deltas of
deltas. Values that are decimals with up to six digits (what intake keeps) become whole numbers,
then differences to the one before or to the smallest, whichever is smaller; any other double
becomes the XOR with the one before. Bytes of equal weight lie together, and zlib takes out what
repeats. Measured on noisy days: 1.5 bytes a value, where the XOR of unrounded doubles needs 5.8;
zlib's higher levels gain less than 1 %. Pure.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator, Mapping

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
_Words = NDArray[np.uint64]

_VERSION = 1
_LEVEL = 6
#: Version, number of samples, bytes of the times, number of columns.
_HEAD = struct.Struct("<BIIH")
#: Metric, how its values are written, the number they are counted from, bytes of the mask of
#: values that are there (0: all are), bytes of the values.
_COLUMN = struct.Struct("<HbqII")
_DOUBLES, _NEAR_LAST = 64, 32
_MOST_DECIMALS = 6
_EXACT = 2.0**53


def encode(times: Ints, columns: Mapping[int, Floats]) -> bytes:
    """Packs samples. ``times`` are seconds in ascending order; ``columns`` holds one value a time
    for each metric, NaN where it has none (a metric without any value is left out)."""
    packed_times = _squeeze(_zigzag(np.diff(times, n=2, prepend=[0, 0])))
    heads, bodies = [], [packed_times]
    for number, values in columns.items():
        there = ~np.isnan(values)
        if not there.any():
            continue
        mask = b"" if there.all() else zlib.compress(np.packbits(there).tobytes(), _LEVEL)
        how, base, body = _encode_values(values[there])
        heads.append(_COLUMN.pack(number, how, base, len(mask), len(body)))
        bodies += (mask, body)
    head = _HEAD.pack(_VERSION, len(times), len(packed_times), len(heads))
    return b"".join((head, *heads, *bodies))


def decode(data: bytes, number: int) -> tuple[Ints, Floats]:
    """The times and values of one metric in a block; empty arrays when it has none."""
    for metric, times, values in _columns(data, number):
        if metric == number:
            return times, values
    return np.empty(0, np.int64), np.empty(0)


def decode_all(data: bytes) -> tuple[Ints, dict[int, Floats]]:
    """What ``encode`` was given: all times, and the values of each metric with NaN for none."""
    times = _times(data)
    columns = {}
    for metric, its_times, values in _columns(data, None):
        columns[metric] = np.full(len(times), np.nan)
        columns[metric][np.searchsorted(times, its_times)] = values
    return times, columns


def _times(data: bytes) -> Ints:
    _, count, length, columns = _HEAD.unpack_from(data)
    at = _HEAD.size + columns * _COLUMN.size
    return np.cumsum(np.cumsum(_unzigzag(_expand(data[at : at + length], count))))


def _columns(data: bytes, wanted: int | None) -> Iterator[tuple[int, Ints, Floats]]:
    _, count, length, columns = _HEAD.unpack_from(data)
    at = _HEAD.size + columns * _COLUMN.size + length
    times = None
    for index in range(columns):
        place = _HEAD.size + index * _COLUMN.size
        metric, how, base, of_mask, of_values = _COLUMN.unpack_from(data, place)
        if wanted is None or wanted == metric:
            its_times = times = _times(data) if times is None else times
            if of_mask:
                bits = np.frombuffer(zlib.decompress(data[at : at + of_mask]), np.uint8)
                its_times = times[np.unpackbits(bits, count=count).astype(bool)]
            body = data[at + of_mask : at + of_mask + of_values]
            yield metric, its_times, _decode_values(body, len(its_times), how, base)
        at += of_mask + of_values


def _encode_values(values: Floats) -> tuple[int, int, bytes]:
    decimals = _decimals(values)
    if decimals is None:
        words = values.view(np.uint64)
        return _DOUBLES, 0, _squeeze(words ^ np.concatenate(([np.uint64(0)], words[:-1])))
    whole = np.rint(values * 10**decimals).astype(np.int64)
    least, first = int(whole.min()), int(whole[0])
    from_least = (whole - least).astype(np.uint64)
    from_last = _zigzag(np.diff(whole, prepend=first))
    if _bits(from_last) < _bits(from_least):
        return decimals | _NEAR_LAST, first, _squeeze(from_last)
    return decimals, least, _squeeze(from_least)


def _decode_values(body: bytes, count: int, how: int, base: int) -> Floats:
    words = _expand(body, count)
    if how == _DOUBLES:
        return np.bitwise_xor.accumulate(words).view(np.float64)
    if how & _NEAR_LAST:
        whole = np.cumsum(_unzigzag(words)) + base
    else:
        whole = words.astype(np.int64) + base
    values: Floats = whole / 10 ** (how & ~_NEAR_LAST)
    return values


def _decimals(values: Floats) -> int | None:
    """The number of decimals with which every value can be written exactly, None for more than
    a few."""
    largest = float(np.abs(values).max())
    for decimals in range(_MOST_DECIMALS + 1):
        scale = 10**decimals
        if largest * scale >= _EXACT:
            return None
        if np.array_equal(np.rint(values * scale) / scale, values):
            return decimals
    return None


def _bits(words: _Words) -> float:
    return float(np.log2(words.astype(np.float64) + 1).sum())


def _zigzag(numbers: Ints) -> _Words:
    """Small numbers of either sign as small positive ones."""
    return ((numbers << 1) ^ (numbers >> 63)).astype(np.uint64)


def _unzigzag(words: _Words) -> Ints:
    return (words >> np.uint64(1)).astype(np.int64) ^ -(words & np.uint64(1)).astype(np.int64)


def _squeeze(words: _Words) -> bytes:
    """The bytes that are needed, those of the same weight together, compressed; the first byte
    is the number of bytes a word."""
    most = int(words.max()) if len(words) else 0
    width = 1 if most < 2**8 else 2 if most < 2**16 else 4 if most < 2**32 else 8
    rows = words.astype(f"<u{width}").view(np.uint8).reshape(-1, width)
    return bytes([width]) + zlib.compress(rows.T.tobytes(), _LEVEL)


def _expand(data: bytes, count: int) -> _Words:
    width = data[0]
    rows = np.frombuffer(zlib.decompress(data[1:]), np.uint8).reshape(width, count)
    return np.ascontiguousarray(rows.T).view(f"<u{width}").reshape(count).astype(np.uint64)
