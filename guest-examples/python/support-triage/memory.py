"""What is remembered of a conversation."""

from wit_world.imports import state
from wit_world.imports.state import Scope_Conversation

HERE = Scope_Conversation()
HANDED_OVER = "handed-over"
UNCLEAR = "unclear"
# A colleague who forgets to give a conversation back must not silence the handler for ever.
HANDED_OVER_MS = 3 * 24 * 60 * 60 * 1000
UNCLEAR_MS = 60 * 60 * 1000


def handed_over() -> bool:
    return state.get(HERE, HANDED_OVER) is not None


def hand_over() -> None:
    state.set(HERE, HANDED_OVER, b"1", HANDED_OVER_MS)
    forget_unclear()


def take_back() -> None:
    state.delete(HERE, HANDED_OVER)


def count_unclear() -> int:
    return state.increment(HERE, UNCLEAR, 1, UNCLEAR_MS)


def forget_unclear() -> None:
    state.delete(HERE, UNCLEAR)
