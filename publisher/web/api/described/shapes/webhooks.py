"""Bodies of webhooks, of their secrets and tests, and of previews."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from publisher.model import EventType
from publisher.model.credentials import Signature
from publisher.model.envelope import Shape, Time
from publisher.model.subscription import ErrorClass
from publisher.web.api.described.shapes.common import NOTHING, Next, Problem

State = Literal["active", "paused", "disabled", "deleted", "pending"]
Duration = Annotated[str, Field(description='A duration: `"1s"`')]


class BatchShown(Shape):
    """Events are sent together: up to `max` of them, once the first has waited for `wait`."""

    max: int
    wait: Duration


class CertificateShown(Shape):
    """A client certificate, without its key. `sha256` is its fingerprint in hex."""

    subject: str
    sha256: str
    expires_at: Time


class Webhook(Shape):
    """A webhook. `events` is null for all types; `failures` counts failed attempts in a row, `filter_errors` events for
    which its expression could not be evaluated. `state` is `pending` while its endpoint has to echo a challenge.

    From `ordered` to `parameters` it says how it asked to be told, and from `signature` on what it is sent with:
    `headers` are names alone, `authorization` whether there is one.
    """

    id: str
    url: str
    feeds: list[str]
    events: list[EventType] | None
    where: dict[str, list[str]] | None
    expression: str | None
    format: str
    description: str | None
    ordered: bool
    history: bool
    throttle: Duration | None
    batch: BatchShown | None
    max_in_flight: int | None
    rate_limit: float | None
    content: Literal["full", "thin"]
    template: Annotated[Any, Field(description="The owner's own body, any JSON; null for none")]
    parameters: dict[str, str | int | bool]
    state: State
    reason: str | None
    owner: str
    created_at: Time
    updated_at: Time
    failures: int
    failing_since: Time | None
    last_error: str | None
    last_error_at: Time | None
    filter_errors: int
    last_filter_error: str | None
    signature: Signature
    public_key: Annotated[str | None, Field(description="`whpk_…`, where it is signed by a key pair")]
    previous_secret_until: Annotated[Time | None, Field(description="When the secrets of before sign no more")]
    headers: list[str]
    authorization: bool
    client_certificate: CertificateShown | None


class Challenged(Shape):
    """How the challenge of an endpoint went; `status` is null where no status line came."""

    echoed: bool
    status: int | None
    error: str | None
    error_class: ErrorClass | None


class WebhookRegistered(Webhook):
    """A webhook that was just registered, with its secret, which is shown this once: null where it is signed by a key
    pair alone. One that was registered without a key has its management `token` and how the `challenge` went.
    """

    secret: str | None
    token: str = NOTHING
    challenge: Challenged = NOTHING


class WebhookVerified(Webhook):
    """A webhook, and how the challenge of its endpoint went; null where it had none to echo."""

    challenge: Challenged | None


class Missed(Shape):
    """What a webhook was not sent while it was disabled: how many events, and whether there are `more` than were
    counted; the first and last by number, and when the first happened. `cancelled` deliveries, the first of event
    `cancelled_since`, were open as it was disabled. A request to `replay` sends them.
    """

    events: int
    more: bool
    since: int
    until: int
    at: Time | None
    cancelled: int
    cancelled_since: int | None
    replay: Annotated[str, Field(json_schema_extra={"format": "uri-reference"})]


class WebhookChanged(Webhook):
    """A webhook as it is by now. `missed` is there where it was enabled, null where nothing is known of that."""

    missed: Missed | None = NOTHING


class Unechoed(Problem):
    """What is wrong with a change. `challenge` is there where a new URL had to echo one, and did not."""

    challenge: Challenged = NOTHING


class WebhooksPage(Shape):
    """A page of webhooks, in the order they were registered."""

    webhooks: list[Webhook]
    next: Next


class Rotated(Shape):
    """New secrets, shown this once; `secret` and `public_key` are null where it is not signed so."""

    id: str
    signature: Signature
    secret: str | None
    public_key: str | None
    previous_secret_until: Time | None


class TestSent(Shape):
    """The request of a test as it was sent. Credentials are hidden."""

    __test__ = False

    url: str
    headers: dict[str, str]
    body: str


class TestGot(Shape):
    """What was answered to a test. `headers` and `body` of private networks are for operators, else null."""

    __test__ = False

    status: int
    headers: dict[str, str] | None
    body: str | None


class TestAnswered(Shape):
    """How a test went; `status` and `answer` are null where no status line came. `address` is for operators."""

    __test__ = False

    delivered: bool
    status: int | None
    error: str | None
    error_class: ErrorClass | None
    duration_ms: int
    response: str | None
    request: TestSent
    answer: TestGot | None
    address: str | None


class PreviewedEvent(Shape):
    """An event that the feeds tell of; `type` and `change` are null where the filter does not take it."""

    seq: int
    id: str
    timestamp: Time
    taken: bool
    type: str | None
    change: str | None
    error: str | None


class PreviewedRequest(Shape):
    """The request that would be sent for an event, before it is signed."""

    event: str
    headers: dict[str, str]
    body: str


class Previewed(Shape):
    """What a webhook would be sent, tried on events that have happened."""

    events: list[PreviewedEvent]
    taken: int
    filter_errors: int
    last_filter_error: str | None
    request: PreviewedRequest | None
