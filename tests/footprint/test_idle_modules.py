"""What a running service has not imported. (How much memory it takes is measured in benchmarks/footprint.py.)"""

import os
import signal
import subprocess
import sys
from pathlib import Path

from support.service import write_installation

# What `publisher run` does; argv stays that of this program, should it start anew.
RUN = """
import sys
print("BEGUN", flush=True)
from pathlib import Path
from publisher.cli.run import run
run(Path(sys.argv[1]))
print("LOADED", *sys.modules)
"""

RARELY_NEEDED = {
    "alembic",
    "anyio.abc",
    "asyncpg",
    "cryptography",
    "feedgen",
    "feedparser",
    "jinja2",
    "lxml",
    "mako",
    "pygments",
    "publisher.sources.html.profiled",
    "publisher.sources.html.unprofiled.page",
    "publisher.sources.text.dump",
    "rich",
    "sqlalchemy.dialects.postgresql",
    "sqlalchemy.orm",
    "trafilatura",
}


def run_until_ready(home: Path) -> tuple[int, set[str]]:
    """How often the program began, and what it had loaded when it was ready and then stopped."""
    command = [sys.executable, "-c", RUN, str(home)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        assert process.stdout
        begun = 0
        for line in process.stdout:
            begun += line == "BEGUN\n"
            if "is ready" in line:
                os.kill(process.pid, signal.SIGTERM)
            elif line.startswith("LOADED"):
                return begun, set(line.split())
    raise AssertionError("it ended without having been ready")


def test_a_service_on_sqlite_has_loaded_nothing_that_it_may_never_need(tmp_path: Path, sqlite_url: str) -> None:
    begun, modules = run_until_ready(write_installation(tmp_path))
    assert begun == 1
    assert "sqlalchemy.ext.asyncio" in modules
    assert modules & RARELY_NEEDED == set()


def test_a_service_that_made_its_schema_has_begun_anew_without_what_made_it(tmp_path: Path) -> None:
    begun, modules = run_until_ready(write_installation(tmp_path))
    assert begun == 2
    assert modules & RARELY_NEEDED == set()


def test_to_ask_what_formats_there_are_loads_nothing_that_they_write_with() -> None:
    program = (
        "import sys\n"
        "from publisher.render import FORMATS\n"
        "print(*[one.label for one in FORMATS.values()], sep=', ')\n"
        "print('LOADED', *sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    labels, _, loaded = done.stdout.partition("\nLOADED")
    assert labels.startswith("RSS 2.0, Atom 1.0, JSON Feed 1.1")
    assert {*loaded.split()} & {"feedgen", "feedgen.entry", "lxml", "lxml.etree"} == set()
