"""How many files and sockets the service may have open."""

import json
import subprocess
import sys

import pytest

from publisher import descriptors

SHOWN = """
import json, resource
resource.setrlimit(resource.RLIMIT_NOFILE, {limits})
from publisher import descriptors
print(json.dumps([descriptors.raise_limit(), *resource.getrlimit(resource.RLIMIT_NOFILE)]))
"""


@pytest.mark.parametrize(("limits", "after"), [((64, 1000), [1000, 1000, 1000]), ((80, 80), [80, 80, 80])])
def test_the_soft_limit_is_raised_as_far_as_the_hard_one_lets_it(limits: tuple[int, int], after: list[int]) -> None:
    asked = [sys.executable, "-c", SHOWN.format(limits=limits)]
    assert json.loads(subprocess.run(asked, capture_output=True, check=True).stdout) == after


@pytest.mark.parametrize("held", [64, 256, 1024, 20_000, 65_536])
def test_what_is_shared_out_leaves_half_for_clients_and_the_database(held: int) -> None:
    shares = descriptors.shares(held)
    assert 0 < shares.sending + shares.kept_by_sender + shares.kept_by_fetcher <= held / 2


def test_where_there_are_enough_there_is_no_less_sending_than_ever() -> None:
    assert descriptors.shares(descriptors.FEW).sending >= 1024
    assert descriptors.shares(descriptors.WANTED).sending == 4096
