"""Which roles a process may take."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from typer.testing import CliRunner

from publisher.app.roles import alone, parse
from publisher.cli.main import cli
from publisher.errors import PublisherError
from publisher.model.node import ROLES


@pytest.mark.parametrize(
    ("written", "roles"),
    [
        ("all", ROLES),
        ("web", ("web",)),
        ("deliver,ingest", ("ingest", "deliver")),
        (" web , deliver ", ("web", "deliver")),
        ("web,all", ROLES),
    ],
)
def test_roles_are_written_by_name_several_by_comma(written: str, roles: tuple[str, ...]) -> None:
    assert parse(written) == roles


@pytest.mark.parametrize("written", ["sender", "web,sender", "", ","])
def test_an_unknown_role_is_refused_with_those_that_are_known(written: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="all, or web, ingest, deliver"):
        parse(written)
    for command in (["run"], ["service", "install", "--print"]):
        result = CliRunner().invoke(cli, [*command, "--role", written, "--home", str(tmp_path)])
        assert result.exit_code == 2
        assert "deliver" in result.output


def test_a_unit_names_its_roles(tmp_path: Path) -> None:
    result = CliRunner().invoke(
        cli, ["service", "install", "--print", "--user", "--role", "web,ingest", "--home", str(tmp_path)]
    )
    assert f"run --home {tmp_path} --role web,ingest\n" in result.output


def test_on_sqlite_one_process_reads_and_sends_and_who_comes_second_is_told_which(tmp_path: Path) -> None:
    database = tmp_path / "publisher.db"
    with alone(database, ("web", "ingest")):
        with pytest.raises(PublisherError) as refused, alone(database, ("deliver",)):
            pass
        assert f"process {os.getpid()} (web, ingest)" in str(refused.value)
        assert "--role web" in str(refused.value)
        with alone(database, ("web",)):
            pass
    with alone(database, ("deliver",)):
        pass


def test_on_postgresql_any_number_of_processes_read_and_send() -> None:
    with alone(None, ROLES), alone(None, ROLES):
        pass
