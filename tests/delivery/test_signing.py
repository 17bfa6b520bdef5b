from base64 import b64encode
from datetime import UTC, datetime

import pytest
import standardwebhooks
import svix
from hypothesis import given
from hypothesis import strategies as st

from publisher.delivery import signing

BODY = b'{"type":"article.published","data":{"title":"Rusia \xe2\x80\x93 \xf0\x9f\x93\xb0"}}'


def signed_now(secret: str, body: bytes = BODY) -> dict[str, str]:
    return signing.headers(secret, "evt_1", int(datetime.now(UTC).timestamp()), body)


def test_libraries_of_others_accept_what_we_sign() -> None:
    secret = signing.new_secret()
    headers = signed_now(secret)

    assert standardwebhooks.Webhook(secret).verify(BODY, headers)["type"] == "article.published"
    svix.Webhook(secret).verify(BODY, headers)  # raises if it does not


def test_libraries_of_others_refuse_what_was_altered() -> None:
    secret = signing.new_secret()
    headers = signed_now(secret)

    with pytest.raises(standardwebhooks.WebhookVerificationError):
        standardwebhooks.Webhook(secret).verify(BODY + b" ", headers)
    with pytest.raises(standardwebhooks.WebhookVerificationError):
        standardwebhooks.Webhook(signing.new_secret()).verify(BODY, headers)


@given(st.binary(min_size=24, max_size=64), st.binary(max_size=200), st.integers(0, 2**40))
def test_every_signature_equals_the_reference_librarys(key: bytes, body: bytes, at: int) -> None:
    secret = signing.PREFIX + b64encode(key).decode()
    text = body.decode("latin-1")
    reference = standardwebhooks.Webhook(secret).sign("evt_x", datetime.fromtimestamp(at % 2**33, UTC), text)

    assert signing.sign(secret, "evt_x", at % 2**33, text.encode()) == reference


@pytest.mark.parametrize("size", [23, 65])
def test_a_secret_of_another_length_is_refused(size: int) -> None:
    with pytest.raises(ValueError, match="24 to 64"):
        signing.key_of(signing.PREFIX + b64encode(bytes(size)).decode())


def test_new_secrets_differ_and_have_the_usual_form() -> None:
    one, other = signing.new_secret(), signing.new_secret()

    assert one != other
    assert one.startswith("whsec_")
    assert len(signing.key_of(one)) == 32
