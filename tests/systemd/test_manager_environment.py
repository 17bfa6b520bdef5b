import os
from pathlib import Path

import pytest

from publisher import settings


def test_the_notify_socket_is_the_one_that_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NOTIFY_SOCKET", "@manager")
    assert settings.notify_socket() == "@manager"
    monkeypatch.delenv("NOTIFY_SOCKET")
    assert settings.notify_socket() is None


@pytest.mark.parametrize(("usec", "found"), [("30000000", 30_000_000), ("0", None), ("soon", None), ("-1", None)])
def test_the_watchdog_is_on_for_a_positive_number(
    monkeypatch: pytest.MonkeyPatch, usec: str, found: int | None
) -> None:
    monkeypatch.setenv("WATCHDOG_USEC", usec)
    monkeypatch.delenv("WATCHDOG_PID", raising=False)
    assert settings.watchdog_usec() == found


def test_another_process_being_watched_is_not_our_watchdog(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WATCHDOG_USEC", "30000000")
    monkeypatch.setenv("WATCHDOG_PID", str(os.getpid()))
    assert settings.watchdog_usec() == 30_000_000
    monkeypatch.setenv("WATCHDOG_PID", str(os.getppid()))
    assert settings.watchdog_usec() is None


@pytest.mark.parametrize(
    ("named", "found"), [("/srv/cfg", "/srv/cfg"), ("cfg", "/home/x/.config"), ("", "/home/x/.config")]
)
def test_the_users_configuration_is_where_xdg_says(monkeypatch: pytest.MonkeyPatch, named: str, found: str) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", named)
    monkeypatch.setenv("HOME", "/home/x")
    assert settings.user_config_home() == Path(found)
