"""The help desk's webhook."""

import json
from dataclasses import asdict, dataclass, field

from componentize_py_types import Err
from wit_world.imports import conversation, http, settings
from wit_world.imports.http import Failure_Denied, Header, Request
from wit_world.imports.types import Direction, HandlerError_Reject, InboundMessage

# What a colleague wants to see before answering.
HISTORY = 10


class NotNow(Exception):
    """The desk may take it later."""


@dataclass
class Handover:
    """What the desk is told."""

    message: str
    customer: str
    text: str
    intent: str
    sentiment: str
    reason: str
    history: list[dict[str, str]] = field(default_factory=list)
    tries: int = 0

    @staticmethod
    def of(message: InboundMessage, intent: str, sentiment: str, reason: str) -> "Handover":
        past = [
            {"by": "customer" if was.direction == Direction.INBOUND else "us", "text": was.text}
            for was in reversed(conversation.recent(HISTORY))
        ]
        return Handover(message.id, message.sender, message.text, intent, sentiment, reason, past)

    def written(self) -> bytes:
        return json.dumps(asdict(self)).encode()


def read(payload: bytes) -> Handover:
    return Handover(**json.loads(payload))


def tell(handover: Handover) -> None:
    """Posts it. The key is the message's id: the desk sees each message once, however often it is told."""
    told = asdict(handover)
    del told["tries"]
    request = Request(
        method="POST",
        url=settings.get("desk-url") or "",
        headers=[Header("content-type", "application/json"), Header("idempotency-key", handover.message)],
        body=json.dumps(told).encode(),
        options=[],
    )
    try:
        answer = http.fetch(request)
    except Err as error:
        failure = error.value
        if isinstance(failure, Failure_Denied):
            raise Err(HandlerError_Reject(failure.value)) from error
        raise NotNow(failure.value) from error
    if answer.status in (408, 425, 429) or answer.status >= 500:
        raise NotNow(f"it answered {answer.status}")
    if answer.status >= 300:
        raise Err(HandlerError_Reject(f"the desk answered {answer.status}"))
