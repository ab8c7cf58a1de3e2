"""How likely chance alone is. Pure."""

from __future__ import annotations

import math

import numpy as np

from services.insights.firings import Bools, Floats, Ints

_EULER = 0.5772156649015329


def tail(hits: Ints, trials: Ints, share: Floats) -> Floats:
    """A bound from above on the probability of ``hits`` or more among so many independent
    ``trials``, each a hit with probability ``share``; 1 where that is no more than expected.

    The largest term of the binomial tail times the sum of a geometric series (W. Feller, An
    Introduction to Probability Theory, vol. 1, 3rd ed., VI.3.4). Where the trials' probabilities
    differ, ``share`` is their mean: the tail from one above the expectation on is never heavier
    than with equal ones (W. Hoeffding, On the distribution of the number of successes in
    independent trials, Ann. Math. Statist. 27, 1956).
    """
    found = np.ones(len(hits))
    beyond = (hits >= trials * share + 1) & (share > 0) & (share < 1) & (hits <= trials)
    k, n, p = hits[beyond], trials[beyond], share[beyond]
    if len(k):
        logs = _log_factorials(int(n.max()))
        term = logs[n] - logs[k] - logs[n - k] + k * np.log(p) + (n - k) * np.log1p(-p)
        series = (k + 1) * (1 - p) / (k + 1 - (n + 1) * p)
        found[beyond] = np.minimum(np.exp(term) * series, 1.0)
    return found


def discoveries(p: Floats, tests: int, rate: float) -> tuple[Bools, Floats]:
    """Which of ``tests`` tests, of which all but those given had p = 1, are no chance, so that in
    expectation at most the share ``rate`` of what is told so is; and the smallest such rate of
    each.

    However the tests depend on each other (Y. Benjamini and D. Yekutieli, The control of the
    false discovery rate in multiple testing under dependency, Ann. Statist. 29, 2001).
    """
    if not len(p):
        return np.zeros(0, dtype=bool), np.zeros(0)
    order = np.argsort(p, kind="stable")
    rank = np.arange(1, len(p) + 1)
    scaled = p[order] * tests * _harmonic(tests) / rank
    adjusted = np.empty(len(p))
    adjusted[order] = np.minimum(np.minimum.accumulate(scaled[::-1])[::-1], 1.0)
    return adjusted <= rate, adjusted


def _harmonic(count: int) -> float:
    if count < 1000:
        return math.fsum(1 / number for number in range(1, count + 1))
    return math.log(count) + _EULER + 1 / (2 * count)


def _log_factorials(most: int) -> Floats:
    return np.concatenate(([0.0], np.cumsum(np.log(np.arange(1, most + 1)))))
