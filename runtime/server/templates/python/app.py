"""Says how often a contact wrote."""

from wit_world import exports
from wit_world.imports import outbox, settings, state
from wit_world.imports.state import Scope_Conversation
from wit_world.imports.types import InboundMessage


class MessageHandler(exports.MessageHandler):
    def on_message(self, message: InboundMessage) -> None:
        count = state.increment(Scope_Conversation(), "count", 1, None)
        which = "your first message" if count == 1 else f"message {count}"
        outbox.reply(f"{settings.get('greeting')}! That was {which}.")
