"""How soon a change that was accepted is confirmed by its destination, under a real ``dagster dev``."""

import datetime as dt
import random
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import click

from benchmarks.living import STAGES, SYNC, Living, living, until
from benchmarks.measuring import told

# Seconds: of the time over the request's own.
_TARGETS = {"same run": {"p95": 1.0}, "sensor": {"p50": 6.0, "p95": 10.0}}
_SENSOR_SECONDS = 5.0
_PUSH_JOB = f"{SYNC}_push"
_NEWEST = "SELECT coalesce(max(sequence), 0) FROM changes"
_CONFIRMED = """SELECT c.acceptedAt, r.sentAt, r.answeredAt
FROM changes AS c JOIN receipts AS r ON r.sequence = c.sequence AND r.key = c.key
WHERE c.sequence > ? AND r.outcome = 'accepted'"""
Part = Mapping[str, float]


@click.command()
@click.option("--runs", default=20, show_default=True, help="Changes of each way, one after the other.")
@click.option("--skus", default=200, show_default=True, help="Products of the ERP.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def main(runs: int, skus: int, as_json: bool) -> None:
    """RUNS prices are changed in the ERP, one at a time, and are pulled, compared and pushed under ``dagster dev``.

    "same run": one run of the sync pulls and pushes. "sensor": a run pulls only, and the sensor launches the push.
    Seconds go from a change's being accepted (the audit's beginning) to its receipt; less the request, as targets
    are about the rest. Takes about half a minute for each of RUNS. TMPDIR says on which disk.
    """
    with tempfile.TemporaryDirectory() as folder, living(Path(folder), skus) as live:
        found = {
            way: [changed(live, launched) for _ in range(runs)]
            for way, launched in (("same run", _same_run), ("sensor", _by_sensor))
        }
    figures: dict[str, Any] = {"runs": runs, "skus": skus}
    for way, parts in found.items():
        figures |= dict(_figures(way, parts))
    told("latency", figures, as_json=as_json)


def changed(live: Living, launched: Callable[[Living], str]) -> Part:
    """Seconds of each part of the way of one change, in order, and of ``all`` of it."""
    ((before,),) = live.rows(_NEWEST)
    live.erp.control("product", sku="SKU-00002", set={"list_price": 10 + random.random() * 90})
    run = launched(live)
    ((accepted, sent, answered),) = until(lambda: live.rows(_CONFIRMED, before))
    pushing = live.ended(run or _pushing_run(live))
    live.idle()
    return _parts(accepted, sent, answered, pushing)


def _same_run(live: Living) -> str:
    return live.launch()


def _by_sensor(live: Living) -> str:
    # The sensor looks every few seconds: a change may come at any moment between two looks.
    time.sleep(random.random() * _SENSOR_SECONDS)
    live.ended(live.launch(STAGES))
    return ""


def _pushing_run(live: Living) -> str:
    return str(next(one["runId"] for one in live.runs() if one["jobName"] == _PUSH_JOB))


def _parts(accepted: dt.datetime, sent: dt.datetime, answered: dt.datetime, run: Mapping[str, Any]) -> Part:
    at, step = accepted.timestamp(), {one["stepKey"].rpartition(f"{SYNC}_")[2]: one for one in run["stepStats"]}
    moments = {
        "run launched": max(at, run["creationTime"]),
        "run begun": max(at, run["startTime"]),
        "claim begun": step["claim"]["startTime"],
        "send begun": step["send"]["startTime"],
        "sent": sent.timestamp(),
        "answered": answered.timestamp(),
    }
    found, before = {}, at
    for name, moment in moments.items():
        found[name], before = moment - before, moment
    return found | {"all": answered.timestamp() - at}


def _figures(way: str, parts: list[Part]) -> Iterator[tuple[str, Any]]:
    over = sorted(part["all"] - part["answered"] for part in parts)
    whole = sorted(part["all"] for part in parts)
    for name, share in (("p50", 0.5), ("p95", 0.95)):
        seconds, most = quantile(over, share), _TARGETS[way].get(name)
        yield f"{way}: {name} s over the request", seconds
        if most is not None:
            yield f"{way}: {name} target s", most
            yield f"{way}: {name} is within it", seconds <= most
        yield f"{way}: {name} s with the request", quantile(whole, share)
    for name in parts[0]:
        if name != "all":
            yield f"{way}: median s until {name}", statistics.median(part[name] for part in parts)


def quantile(ordered: list[float], share: float) -> float:
    """The smallest of ``ordered`` that at least ``share`` of them do not exceed."""
    return next(one for place, one in enumerate(ordered, 1) if place >= share * len(ordered))


if __name__ == "__main__":
    main()
