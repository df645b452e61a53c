"""Support triage: what does a customer want, how do they feel, and who should answer.

A small classifier inside the handler reads every message. What it is sure of and what is simple is answered here; a customer
who asks for a person, is angry, or isn't understood twice is handed to the help desk by webhook, with the last messages. From
then on the desk gets every message, until a colleague sends a text with the tag `handover=done`.
"""

from wit_world import exports
from wit_world.exports.draft_handler import DraftDecision_Send
from wit_world.imports import log, notes, outbox, settings, timers
from wit_world.imports.types import InboundMessage, OutboundDraft, Timer

import answers
import classifier
import desk
import memory

# The desk is told again after these pauses; then the message stands in the log alone.
PAUSES_MS = [60_000, 300_000, 1_800_000]
RETRY = "tell-desk-"


class MessageHandler(exports.MessageHandler):
    """Customers' messages."""

    def on_message(self, message: InboundMessage) -> None:
        intent, sentiment = classifier.read(message.text)
        notes.text("intent", intent.label)
        notes.number("confidence", intent.confidence)
        notes.text("sentiment", sentiment.label)
        if memory.handed_over():
            pass_on(message, intent.label, sentiment.label, "a colleague has this conversation")
            return
        why = reason_for_a_person(intent, sentiment)
        if why is None:
            outbox.reply(answers.to(intent.label))
        elif why:
            notes.label("escalated")
            memory.hand_over()
            pass_on(message, intent.label, sentiment.label, why)
            outbox.reply(answers.HANDED_OVER)
        else:
            outbox.reply(answers.ASK_AGAIN)


class TimerHandler(exports.TimerHandler):
    """What the desk couldn't be told at once."""

    def on_timer(self, timer: Timer) -> None:
        if timer.name.startswith(RETRY):
            kept = desk.read(timer.payload)
            send(kept, timer.name.removeprefix(RETRY))


class DraftHandler(exports.DraftHandler):
    """Texts of colleagues pass; one of them may end the handover."""

    def on_draft(self, draft: OutboundDraft) -> DraftDecision_Send:
        if any(found.name == "tag.handover" and found.value == "done" for found in draft.attributes):
            memory.take_back()
        return DraftDecision_Send()


def reason_for_a_person(intent: classifier.Verdict, sentiment: classifier.Verdict) -> str | None:
    """Why a person should answer; none where the handler can, and an empty reason where it has to ask once more."""
    if intent.label == "human":
        return "asked for a person"
    if sentiment.label == "negative" and sentiment.confidence >= sure_from():
        return "is upset"
    if intent.confidence < sure_from():
        return "isn't understood" if memory.count_unclear() > 1 else ""
    memory.forget_unclear()
    return None


def sure_from() -> float:
    """How sure the classifier has to be. Below that it has no opinion."""
    return float(settings.get("sure-from") or 0.45)


def pass_on(message: InboundMessage, intent: str, sentiment: str, why: str) -> None:
    """Tells the desk, now or a little later. If it refuses for good the event is parked, to be retried when that is mended."""
    send(desk.Handover.of(message, intent, sentiment, why), message.id)


def send(handover: desk.Handover, message_id: str) -> None:
    try:
        desk.tell(handover)
    except desk.NotNow as error:
        if handover.tries >= len(PAUSES_MS):
            log.write(log.Level.ERROR, f"the desk wasn't told of {message_id}: {error}")
            return
        log.write(log.Level.WARN, f"the desk can't be told: {error}; trying again")
        pause = PAUSES_MS[handover.tries]
        handover.tries += 1
        timers.set_after(RETRY + message_id, pause, handover.written())
