"""Reading by hand what lies on another machine."""

from __future__ import annotations

from pathlib import Path

import pytest
from support.service import write_installation

from publisher.app.installation import App
from publisher.storage.configuration import sources

DESK = '[[source]]\nname = "desk"\nkind = "folder"\npath = "inbox"\nnodes = ["press"]\n'


@pytest.mark.parametrize(("node", "read"), [("press", True), ("web-1", False)])
async def test_a_folder_is_read_by_hand_only_where_it_lies(
    tmp_path: Path, sqlite_url: str, monkeypatch: pytest.MonkeyPatch, node: str, read: bool
) -> None:
    monkeypatch.setenv("PUBLISHER_SERVER__NODE", node)
    home = write_installation(tmp_path, {"config/sources.toml": DESK, "inbox/none": ""})
    app = await App.open(home)
    try:
        report = await app.load("desk")
        assert (report.skipped is None) is read
        assert read or "press" in str(report.skipped)
        assert (await app.db.read(sources.state, "desk")).node == ("press" if read else None)
        assert set(app.watched()) == ({"desk"} if read else set())
    finally:
        await app.close()
