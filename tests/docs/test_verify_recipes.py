"""The recipes in docs/webhooks.md do what they say: they take a genuine request and refuse a forged one."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from standardwebhooks import Webhook, WebhookVerificationError
from support.clients import CLIENTS, NODE

from publisher.delivery import signing

Program = Callable[[str], str]

RECIPES = (Path(__file__).parents[2] / "docs" / "webhooks.md").read_text()
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
BODY = '{"type":"article.published","data":{"title":"Harga “kopi” naik"}}'
FORGED = BODY.replace("naik", "turun")


def _recipe(language: str, heading: str = "Verify") -> str:
    section = RECIPES.split(f"\n## {heading}\n")[1].split("\n## ")[0]
    found = re.findall(rf"^```{language}\n(.*?)^```", section, re.MULTILINE | re.DOTALL)
    return str(found[-1])


@pytest.fixture
def headers() -> dict[str, str]:
    moment = datetime.now(UTC)
    return {
        "webhook-id": "evt_1",
        "webhook-timestamp": str(int(moment.timestamp())),
        "webhook-signature": Webhook(SECRET).sign("evt_1", moment, BODY),
    }


def test_the_python_recipe(headers: dict[str, str]) -> None:
    recipe = compile(_recipe("python"), "webhooks.md", "exec")
    exec(recipe, {"secret": SECRET, "body": BODY, "headers": headers})
    with pytest.raises(WebhookVerificationError):
        exec(recipe, {"secret": SECRET, "body": FORGED, "headers": headers})


@pytest.mark.parametrize(("body", "accepted"), [(BODY, True), (FORGED, False)])
def test_the_node_recipe(headers: dict[str, str], body: str, accepted: bool) -> None:
    given = f"const secret = {SECRET!r}, body = {body!r}, headers = {headers!r}\n"
    done = subprocess.run(
        [NODE, "--input-type=module"],
        input=(given + _recipe("js")).encode(),
        cwd=CLIENTS,
        capture_output=True,
        check=False,
    )
    assert (done.returncode == 0) is accepted, done.stderr.decode()


def _by_key_pair(body: str = BODY) -> tuple[str, dict[str, str]]:
    """A public key, and the headers of a request that is signed by its pair, and by a shared secret beside it."""
    private, at = signing.new_private_key(), int(datetime.now(UTC).timestamp())
    several = (signing.opened(SECRET), signing.opened(signing.new_private_key()), signing.opened(private))
    return signing.public_key_of(private), signing.headers(several, "evt_1", at, body.encode())


def test_the_python_recipe_by_a_public_key() -> None:
    public_key, headers = _by_key_pair()
    found: dict[str, Any] = {}
    exec(compile(_recipe("python", "Verify by a public key"), "webhooks.md", "exec"), found)
    verified = found["verified"]
    assert verified(public_key, headers, BODY.encode())
    assert not verified(public_key, headers, FORGED.encode())
    assert not verified(_by_key_pair()[0], headers, BODY.encode())
    assert not verified(public_key, {**headers, "webhook-timestamp": "1700000000"}, BODY.encode())


@pytest.mark.parametrize(("body", "accepted"), [(BODY, "true"), (FORGED, "false")])
def test_the_node_recipe_by_a_public_key(body: str, accepted: str) -> None:
    public_key, headers = _by_key_pair()
    recipe = _recipe("js", "Verify by a public key")
    script = f"{recipe}\nconsole.log(verified({public_key!r}, {headers!r}, {body!r}))\n"
    done = subprocess.run(
        [NODE, "--input-type=module"], input=script.encode(), cwd=CLIENTS, capture_output=True, check=False
    )
    assert done.stdout.decode().strip() == accepted, done.stderr.decode()


@pytest.mark.parametrize(("body", "accepted"), [(BODY, True), (FORGED, False)])
def test_the_shell_recipe(headers: dict[str, str], tmp_path: Path, body: str, accepted: bool, program: Program) -> None:
    program("openssl")
    (tmp_path / "body").write_text(body)
    variables = {
        "secret": SECRET,
        "id": headers["webhook-id"],
        "timestamp": headers["webhook-timestamp"],
        "signature": headers["webhook-signature"],
        "body": str(tmp_path / "body"),
    }
    script = _recipe("sh")
    done = subprocess.run(
        ["sh", "-c", script], env={"PATH": "/usr/bin:/bin", **variables}, capture_output=True, check=False
    )
    assert done.stdout.strip() == (b"good" if accepted else b"bad"), done.stderr.decode()


@pytest.mark.parametrize(("body", "accepted"), [(BODY, True), (FORGED, False)])
def test_the_php_recipe(headers: dict[str, str], body: str, accepted: bool, program: Program) -> None:
    php = program("php")
    given = "".join(
        f"$_SERVER['HTTP_{name.upper().replace('-', '_')}'] = '{value}';" for name, value in headers.items()
    )
    recipe = _recipe("php").replace("php://input", "php://stdin").replace("exit;", "echo 'bad'; exit;")
    script = f"<?php $secret = '{SECRET}'; {given}\n{recipe}\necho 'good';"
    done = subprocess.run([php, "-r", script[5:]], input=body.encode(), capture_output=True, check=False)
    assert done.stdout == (b"good" if accepted else b"bad"), done.stderr.decode()


@pytest.mark.parametrize(("body", "accepted"), [(BODY, True), (FORGED, False)])
def test_the_go_recipe(headers: dict[str, str], tmp_path: Path, body: str, accepted: bool, program: Program) -> None:
    go = program("go")
    imports = ("crypto/hmac", "crypto/sha256", "encoding/base64", "fmt", "net/http", "strconv", "strings", "time")
    lines = [f'\t"{name}"' for name in imports]
    set_headers = "".join(f'\theader.Set("{name}", "{value}")\n' for name, value in headers.items())
    source = (
        "package main\nimport (\n" + "\n".join(lines) + "\n)\n" + _recipe("go")
        + f'func main() {{\n\theader := http.Header{{}}\n{set_headers}'
        + f'\tfmt.Print(verified("{SECRET}", header, []byte(`{body}`)))\n}}\n'
    )  # fmt: skip
    (tmp_path / "main.go").write_text(source)
    environment = {"PATH": "/usr/bin:/bin:/usr/local/go/bin", "HOME": str(tmp_path), "GO111MODULE": "off"}
    done = subprocess.run([go, "run", str(tmp_path / "main.go")], env=environment, capture_output=True, check=False)
    assert done.stdout == (b"true" if accepted else b"false"), done.stderr.decode()
