"""``python -m tests.bench.anomaly FOLDER [--weeks N]``: what the anomaly detector finds and costs.

FOLDER holds labelled series with their scorer ``score.py``; without it only series made up here
are judged: healthy ones every 5 minutes and every 30 seconds, and the same with events in them.
"""

from __future__ import annotations

import argparse
import importlib.util
import sys
import time
from collections import defaultdict
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from services.alerts.anomaly import Detector, detect
from tests.bench.table import Row, table
from tests.support.made_series import HEALTHY, Series, episodes, healthy, with_events

SPEC = "services.alerts.anomaly:detect"
SETTLED_DAYS = 2


def scorer(folder: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location("anomaly_score", folder / "score.py")
    if spec is None or spec.loader is None:
        sys.exit(f"{folder} holds no score.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    return module


def by_folder(score: ModuleType, series: list[Any], scores: list[Any]) -> list[Row]:
    groups: dict[str, list[int]] = defaultdict(list)
    for index, one in enumerate(series):
        groups[one.key.split("/")[1]].append(index)
    rows = []
    for name, chosen in groups.items():
        some = [series[index] for index in chosen]
        prepared = [score.Prepared(one, one.load()[0]) for one in some]
        found = score.alert_figures(
            some, prepared, [scores[index] for index in chosen], detect.threshold, 3600
        )
        rate = found["false_alerts_per_series_week"]
        what = f"{name}: found {found['found']} of {found['windows']}; false a series and week"
        rows.append(Row(what, f"{rate:.2f}", "<= 2", rate <= 2))
    return rows


def labelled(folder: Path) -> list[Row]:
    score = scorer(folder)
    series = score.load_split(folder)
    _, scores, cost = score.run_detector(SPEC, series, 1)
    prepared = [score.Prepared(one, one.load()[0]) for one in series]
    figures = score.alert_figures(series, prepared, scores, detect.threshold, 3600)
    fixed = score.windowed_score(prepared, scores, "standard", detect.threshold)[0]
    best, level = score.windowed_score(prepared, scores, "standard")
    rate = figures["false_alerts_per_series_week"]
    causal = score.check_causal(SPEC, series) == 0
    return [
        Row("recall", f"{figures['recall']:.2f}", ">= 0.65", figures["recall"] >= 0.65),
        Row("false alerts a series and week", f"{rate:.2f}", "<= 1", rate <= 1),
        Row("windowed score at 0.5", f"{fixed:.1f}", ">= 70", fixed >= 70),
        Row(f"windowed score at its best ({level:.2f})", f"{best:.1f}"),
        *by_folder(score, series, scores),
        Row("ms a value", f"{cost:.3f}", "<= 0.1", cost <= 0.1),
        Row("causality", "kept" if causal else "broken", "kept", causal),
    ]


def alerts_of(series: Series) -> np.ndarray:
    scores = detect(series.values, series.times.astype("datetime64[s]"))
    settled = series.times >= series.times[0] + SETTLED_DAYS * 86_400
    return series.times[(scores >= detect.threshold) & settled]


def judge(job: tuple[str, int, float, float]) -> tuple[str, int, int, int]:
    """Alerts of a healthy series; events found, and how many there were."""
    kind, seed, weeks, step = job
    plain = healthy(kind, seed, weeks, step)
    disturbed, events = with_events(plain, seed)
    alerts = alerts_of(disturbed)
    found = [bool(np.any((alerts >= e.start) & (alerts <= e.end + 1800))) for e in events]
    return kind, episodes(alerts_of(plain)), sum(found), len(events)


def made_up(weeks: float, step: float, seeds: int) -> list[Row]:
    jobs = [(kind, seed, weeks, step) for kind in HEALTHY for seed in range(seeds)]
    with ProcessPoolExecutor(2) as pool:
        results = list(pool.map(judge, jobs))
    rows = []
    for kind in HEALTHY:
        mine = [result for result in results if result[0] == kind]
        rate = sum(result[1] for result in mine) / seeds / (weeks - SETTLED_DAYS / 7)
        found = sum(result[2] for result in mine)
        events = sum(result[3] for result in mine)
        what = f"{kind} every {step:.0f} s: found {found} of {events}; false a week"
        rows.append(Row(what, f"{rate:.2f}", "<= 2", rate <= 2))
    return rows


def cost() -> list[Row]:
    rows = []
    for step in (30.0, 300.0):
        series = healthy("cpu", 1, 3, step)
        detector = Detector()
        pairs = list(zip(series.values.tolist(), series.times.tolist(), strict=True))
        begin = time.process_time()
        for value, at in pairs:
            detector.step(value, at)
        spent = 1e6 * (time.process_time() - begin) / len(pairs)
        rows.append(
            Row(f"CPU µs a value every {step:.0f} s", f"{spent:.0f}", "<= 100", spent <= 100)
        )
    rows.append(Row("bytes of saved state", str(len(detector.dump()))))
    return rows


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("folder", nargs="?", type=Path)
    options.add_argument("--weeks", type=float, default=8)
    given = options.parse_args()
    rows = labelled(given.folder) if given.folder else []
    rows += made_up(given.weeks, 300, 4) + made_up(given.weeks, 30, 1) + cost()
    print(table(rows))


if __name__ == "__main__":
    main()
