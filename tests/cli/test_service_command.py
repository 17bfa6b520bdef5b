import os
import platform
import pwd
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import Result
from typer.testing import CliRunner

import publisher
from publisher.cli.main import cli
from publisher.cli.service import INACTIVE, NOT_INSTALLED
from publisher.cli.unit import Unit
from publisher.errors import Conflict, NotFound, PublisherError

Program = Callable[[str], str]

ACCOUNT = "daemon"


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """As much of an installation as a unit needs."""
    home = tmp_path / "news room"
    (home / "config").mkdir(parents=True)
    (home / "config/publisher.toml").write_text("")
    return home


@pytest.fixture
def units(tmp_path: Path) -> Path:
    return tmp_path / "units"


@pytest.fixture
def anyones(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Python and the publisher lie where any user can read them."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o755)
    (folder / "publisher").mkdir()
    python = folder / "python"
    python.touch(0o755)
    monkeypatch.setattr(sys, "executable", str(python))
    for prefix in ("prefix", "base_prefix"):
        monkeypatch.setattr(sys, prefix, str(folder))
    monkeypatch.setattr(publisher, "__file__", str(folder / "publisher/__init__.py"))
    yield folder
    shutil.rmtree(folder)


def service(*arguments: object) -> Result:
    return CliRunner().invoke(cli, ["service", *map(str, arguments)])


def a_unit(home: Path, account: str | None = ACCOUNT) -> Unit:
    return Unit(name="publisher", home=home, interpreter=Path(sys.executable), code=(), account=account)


def settings_of(text: str) -> dict[str, str]:
    return dict(line.split("=", 1) for line in text.splitlines() if re.match(r"[A-Z]\w+=", line))


def test_systemd_finds_the_unit_well_shut_off(tmp_path: Path, home: Path, program: Program) -> None:
    analyze = program("systemd-analyze")
    file = tmp_path / "publisher.service"
    file.write_text(a_unit(home).text())
    command = [analyze, "security", "--offline=true", "--no-pager", file]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    found = re.search(r"Overall exposure level.*: (\d+\.\d)", done.stdout)
    assert found, done.stdout + done.stderr
    assert float(found[1]) < 3


def test_systemd_understands_every_line_of_the_unit(tmp_path: Path, home: Path, program: Program) -> None:
    analyze = program("systemd-analyze")
    (home / "data").mkdir()
    file = tmp_path / "publisher.service"
    file.write_text(a_unit(home).text())
    done = subprocess.run([analyze, "verify", file], capture_output=True, text=True, check=False)
    # The two that came with systemd 254 are passed over by those before it.
    known = [line for line in done.stderr.splitlines() if "Unknown key 'Restart" not in line]
    assert not [line for line in known if "publisher.service" in line]


def test_an_installation_of_any_name_is_started_as_it_is() -> None:
    found = settings_of(a_unit(Path('/srv/100% "News" $x\\y')).text())
    assert found["ExecStart"].endswith(r'--home "/srv/100%% \"News\" $$x\\y"')
    assert found["ReadWritePaths"] == r'"/srv/100%% \"News\" $x\\y/data"'
    assert found["WorkingDirectory"] == r'/srv/100%% "News" $x\y'


@pytest.mark.parametrize("bad", ["", "../x", "a b", "a/b", "-x"])
def test_a_name_that_is_no_file_name_is_refused(bad: str, home: Path) -> None:
    with pytest.raises(PublisherError, match="is no name for a service"):
        Unit(name=bad, home=home, interpreter=Path(sys.executable), code=())


def test_a_line_break_in_a_path_adds_no_line_to_the_unit() -> None:
    with pytest.raises(PublisherError, match="line breaks"):
        a_unit(Path("/srv/news\nUser=root"))


def test_home_folders_are_hidden_unless_the_service_lies_in_one() -> None:
    assert settings_of(a_unit(Path("/srv/news")).text())["ProtectHome"] == "yes"
    assert settings_of(a_unit(Path("/home/desk/news")).text())["ProtectHome"] == "read-only"


def test_a_users_service_leaves_out_what_its_manager_may_not_do() -> None:
    found = settings_of(a_unit(Path("/home/desk/news"), account=None).text())
    assert found["Type"] == "notify"
    assert found["WantedBy"] == "default.target"
    assert found["NoNewPrivileges"] == "yes"
    assert not found.keys() & {"User", "ProtectSystem", "PrivateTmp", "CapabilityBoundingSet", "PrivateDevices"}


def test_print_writes_nothing(home: Path, units: Path) -> None:
    done = service("install", "--home", home, "--as", ACCOUNT, "--directory", units, "--print")
    assert done.exit_code == 0
    assert settings_of(done.stdout)["User"] == ACCOUNT
    assert not units.exists()
    assert not (home / "data").exists()


@pytest.mark.usefixtures("anyones")
def test_install_writes_the_unit_and_says_what_comes_next(home: Path, units: Path) -> None:
    done = service("install", "--home", home, "--as", ACCOUNT, "--directory", units, "--name", "desk")
    assert done.exit_code == 0, done.output
    assert (units / "desk.service").stat().st_mode & 0o777 == 0o644
    assert f"Wrote {units / 'desk.service'}" in done.output
    assert "systemctl daemon-reload" in done.output
    assert "systemctl enable --now desk.service" in done.output


@pytest.mark.usefixtures("anyones")
def test_installing_again_replaces_the_unit(home: Path, units: Path) -> None:
    service("install", "--home", home, "--as", ACCOUNT, "--directory", units)
    service("install", "--home", home, "--user", "--directory", units)
    assert "User" not in settings_of((units / "publisher.service").read_text())
    assert [file.name for file in units.iterdir()] == ["publisher.service"]


@pytest.mark.parametrize("command", [["install", "--user"], ["uninstall"]])
def test_a_unit_that_is_not_ours_stays_as_it_is(command: list[str], home: Path, units: Path) -> None:
    units.mkdir()
    (units / "publisher.service").write_text("[Service]\nExecStart=/bin/true\n")
    at = ["--home", home] if command[0] == "install" else []
    done = service(*command, *at, "--directory", units)
    assert isinstance(done.exception, Conflict)
    assert (units / "publisher.service").read_text() == "[Service]\nExecStart=/bin/true\n"


@pytest.mark.usefixtures("anyones")
def test_an_account_that_is_not_there_is_made_first(home: Path, units: Path) -> None:
    done = service("install", "--home", home, "--as", "no-such-desk", "--directory", units)
    next_ = done.output.partition("Next:\n")[2].split("\n")
    assert next_[0] == "  useradd --system --no-create-home --shell /usr/sbin/nologin no-such-desk"
    assert next_[2] == f"  chown -R no-such-desk: '{home / 'data'}'"


@pytest.mark.parametrize("account", [ACCOUNT, "no-such-desk"])
@pytest.mark.parametrize("what", ["", "python", "publisher"])
def test_a_python_that_its_user_cannot_reach_is_refused(
    what: str, account: str, home: Path, units: Path, anyones: Path
) -> None:
    (anyones / what).chmod(0o700)
    done = service("install", "--home", home, "--as", account, "--directory", units)
    assert isinstance(done.exception, PublisherError)
    assert str(done.exception).startswith(f"{account} may not reach {anyones / 'python'}: {anyones / what} is closed")
    assert not units.exists()


def test_a_python_behind_a_link_into_a_closed_folder_is_refused(
    home: Path, units: Path, anyones: Path, tmp_path: Path
) -> None:
    tmp_path.chmod(0o700)
    (tmp_path / "python").touch(0o755)
    (anyones / "python").unlink()
    (anyones / "python").symlink_to(tmp_path / "python")
    done = service("install", "--home", home, "--as", "no-such-desk", "--directory", units)
    assert isinstance(done.exception, PublisherError)
    assert " is closed to it (mode 700)" in str(done.exception)


def test_a_users_own_service_may_use_what_is_closed_to_others(home: Path, units: Path, anyones: Path) -> None:
    anyones.chmod(0o700)
    assert service("install", "--home", home, "--user", "--directory", units).exit_code == 0


def test_a_service_never_runs_as_root_of_itself(home: Path) -> None:
    done = service("install", "--home", home, "--print")
    mine = pwd.getpwuid(os.getuid())
    assert settings_of(done.stdout)["User"] == (mine.pw_name if mine.pw_uid else "publisher")


def test_a_folder_that_is_no_installation_is_refused(tmp_path: Path, units: Path) -> None:
    done = service("install", "--home", tmp_path / "empty", "--user", "--directory", units)
    assert isinstance(done.exception, NotFound)
    assert "publisher init" in str(done.exception)


def test_status_tells_what_is_not_installed_from_what_does_not_run(home: Path, units: Path) -> None:
    assert service("status", "--directory", units).exit_code == NOT_INSTALLED
    service("install", "--home", home, "--user", "--directory", units)
    assert service("status", "--directory", units).exit_code == INACTIVE


def test_uninstall_removes_the_unit_alone(home: Path, units: Path) -> None:
    service("install", "--home", home, "--user", "--directory", units)
    assert service("uninstall", "--directory", units).exit_code == 0
    assert list(units.iterdir()) == []
    assert (home / "config/publisher.toml").exists()
    assert isinstance(service("uninstall", "--directory", units).exception, NotFound)


IMPORTS = """
import ctypes, os, sys
libc = ctypes.CDLL(None, use_errno=True)
PR_SET_MDWE, PR_MDWE_REFUSE_EXEC_GAIN = 65, 1
if libc.prctl(PR_SET_MDWE, PR_MDWE_REFUSE_EXEC_GAIN, 0, 0, 0):
    sys.exit(77)
import mmap
try:
    mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
except PermissionError:
    pass
else:
    sys.exit("the kernel allows it after all")
import aiodns, aiohttp, aiosqlite, alembic, asyncpg, babel, feedgen.feed, lxml.html, nh3, orjson
import prometheus_client, pydantic, selectolax.lexbor, sqlalchemy.ext.asyncio, structlog, uvloop, watchfiles
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
AESGCM(bytes(32)).encrypt(bytes(12), b"x", b"")
lxml.html.fromstring("<p>x</p>")
selectolax.lexbor.LexborHTMLParser("<p>x</p>")

async def resolve():
    resolver = aiodns.DNSResolver(nameservers=["127.0.0.1"], timeout=0.01, tries=1)
    try:
        await resolver.getaddrinfo("127.0.0.1", port=80)
    finally:
        await resolver.close()
    async for _ in watchfiles.awatch(os.getcwd(), rust_timeout=10, yield_on_timeout=True):
        break

uvloop.run(resolve())
"""


@pytest.mark.skipif(platform.system() != "Linux", reason="memory protection is Linux's")
def test_nothing_we_are_built_on_makes_code_at_run_time(tmp_path: Path, lacking: Callable[[str], None]) -> None:
    command = [sys.executable, "-c", IMPORTS]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    if done.returncode == 77:
        lacking("Linux 6.3, which can refuse memory that is written and executed")
    assert done.returncode == 0, done.stderr
