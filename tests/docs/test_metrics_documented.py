"""Every metric is documented, and no other."""

import re
from pathlib import Path

from publisher.storage.metrics import Present, Totals
from publisher.web.ops.measures import Metrics

OPERATION = (Path(__file__).parents[2] / "docs/operation.md").read_text()


def test_every_metric_is_documented_and_no_other() -> None:
    metrics = Metrics()
    metrics.stands(Present({}, 0, 0, 0.0, 0), Totals(0, 0, 0, 0, {}, {}, 0))
    families = [one for one in metrics.registry.collect() if one.name.startswith("publisher_")]
    shown = {f"{one.name}_total" if one.type == "counter" else one.name for one in families}
    table = OPERATION.partition("## Metrics")[2].partition("\n## ")[0]
    assert set(re.findall(r"^\| `(publisher_\w+)` \|", table, re.MULTILINE)) == shown
