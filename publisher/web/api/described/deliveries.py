"""Operations on deliveries, on what is sent again, and on what is held back."""

from __future__ import annotations

from publisher.model import DeliveryState, Role
from publisher.web.api import holds, replays, webhooks
from publisher.web.api.described.operation import AFTER, IDEMPOTENCY, Answer, Body, Group, Operation, Parameter, limit
from publisher.web.api.described.shapes import deliveries as shapes
from publisher.web.api.described.webhooks import GONE, ID, NONE

DELIVERY = Parameter("delivery", "The delivery's id: the event's number, and the run", place="path", example="42.0")
REPLAY = Parameter("replay", "The replay's id", place="path", example="rp_3n0Fh2Yk8QxLq1aB")
HOLD = Parameter("id", "The hold's id", place="path", example="hold_3n0Fh2Yk8QxLq1aB")

_STATES = {"type": "array", "items": {"type": "string", "enum": [state.value for state in DeliveryState]}}
_FLAG = {"type": "boolean", "default": False}
_NO_REPLAY = {404: "There is no such webhook of yours, or no such replay of it"}
_NO_HOLD = {404: "There is no such hold"}
_ENDED = {409: "It has ended already"}

_of_webhooks = {
    "GET /api/v1/webhooks/{id}/deliveries": Operation(
        id="listDeliveries",
        group=Group.DELIVERIES,
        role=Role.SUBSCRIBER,
        parameters=(
            ID,
            limit(webhooks.PAGE, webhooks.MAX_PAGE),
            AFTER,
            Parameter("state", "To have deliveries in this state alone; several if repeated", _STATES),
        ),
        answers={200: Answer("A page", shapes.DeliveriesPage)},
        refused={**NONE, **GONE},
    ),
    "POST /api/v1/webhooks/{id}/deliveries/{delivery}/retry": Operation(
        id="retryDelivery",
        group=Group.DELIVERIES,
        role=Role.SUBSCRIBER,
        parameters=(ID, DELIVERY),
        answers={202: Answer("The delivery by which it is sent", shapes.Delivery)},
        refused={404: "There is no such webhook of yours, or no such delivery", 409: "It cannot be sent again; why"},
    ),
    "GET /api/v1/webhooks/{id}/deliveries/{delivery}/attempts/{number}": Operation(
        id="showAttempt",
        group=Group.DELIVERIES,
        role=Role.SUBSCRIBER,
        parameters=(ID, DELIVERY, Parameter("number", "The attempt, from 1", place="path", example="1")),
        answers={200: Answer("What was sent, and what came back", shapes.AttemptKept)},
        refused={404: "There is no such webhook of yours or no such attempt, or it is kept no longer"},
    ),
    "GET /api/v1/webhooks/{id}/last-success": Operation(
        id="showLastSuccess",
        group=Group.DELIVERIES,
        role=Role.SUBSCRIBER,
        parameters=(ID,),
        answers={200: Answer("What was sent, and what came back", shapes.LastSuccess)},
        refused={404: "There is no such webhook of yours, or no attempt is known that has succeeded"},
    ),
}

_of_replays = {
    "GET /api/v1/webhooks/{id}/replays": Operation(
        id="listReplays",
        group=Group.DELIVERIES,
        role=Role.SUBSCRIBER,
        parameters=(ID, limit(replays.PAGE, replays.MAX_PAGE), AFTER),
        answers={200: Answer("A page", shapes.ReplaysPage)},
        refused={**NONE, **GONE},
    ),
    "POST /api/v1/webhooks/{id}/replays": Operation(
        id="replay",
        group=Group.DELIVERIES,
        role=Role.SUBSCRIBER,
        parameters=(ID, IDEMPOTENCY),
        body=Body(replays.ReplayWanted, {"since": 1, "only": "failed"}),
        answers={202: Answer("It has begun", shapes.Replay, {"Location": "The replay's address"})},
        refused={**NONE, 409: "The webhook is not active, or has too many replays that are not over"},
        once=True,
    ),
    "GET /api/v1/webhooks/{id}/replays/{replay}": Operation(
        id="showReplay",
        group=Group.DELIVERIES,
        role=Role.SUBSCRIBER,
        parameters=(ID, REPLAY),
        answers={200: Answer("The replay", shapes.Replay)},
        refused=_NO_REPLAY,
    ),
    **{
        f"POST /api/v1/webhooks/{{id}}/replays/{{replay}}/{verb}": Operation(
            id=f"{verb}Replay",
            group=Group.DELIVERIES,
            role=Role.SUBSCRIBER,
            parameters=(ID, REPLAY),
            answers={200: Answer("The replay as it is by now", shapes.Replay)},
            refused={**_NO_REPLAY, 409: refused},
        )
        for verb, refused in (
            ("pause", "It has ended"),
            ("resume", "It has ended, or the webhook is not active"),
            ("cancel", "It has ended"),
        )
    },
}

_of_holds = {
    "GET /api/v1/holds": Operation(
        id="listHolds",
        group=Group.DELIVERIES,
        role=Role.OPERATOR,
        parameters=(Parameter("all", "Whether those that have ended are listed, too", _FLAG),),
        answers={200: Answer("The holds", shapes.Holds)},
    ),
    "POST /api/v1/holds": Operation(
        id="holdDeliveries",
        group=Group.DELIVERIES,
        role=Role.OPERATOR,
        body=Body(holds.HoldWanted, {"feed": "news", "reason": "a wrong headline"}),
        answers={201: Answer("It is held", shapes.Hold, {"Location": "The hold's address"})},
    ),
    "GET /api/v1/holds/{id}": Operation(
        id="showHold",
        group=Group.DELIVERIES,
        role=Role.OPERATOR,
        parameters=(HOLD,),
        answers={200: Answer("The hold", shapes.Hold)},
        refused=_NO_HOLD,
    ),
    "DELETE /api/v1/holds/{id}": Operation(
        id="releaseHold",
        group=Group.DELIVERIES,
        role=Role.OPERATOR,
        parameters=(HOLD,),
        body=Body(holds.Ending, {"reason": "it was right after all"}, needed=False),
        answers={200: Answer("The hold, which has ended", shapes.Hold)},
        refused={**_NO_HOLD, **_ENDED},
    ),
    "POST /api/v1/holds/{id}/cancel": Operation(
        id="cancelHeld",
        group=Group.DELIVERIES,
        role=Role.OPERATOR,
        parameters=(HOLD,),
        body=Body(holds.Cancelling, {"reason": "withdrawn by the desk"}),
        answers={202: Answer("What it holds is being cancelled", shapes.Hold)},
        refused={**_NO_HOLD, **_ENDED},
    ),
}

operations = {**_of_webhooks, **_of_replays, **_of_holds}
