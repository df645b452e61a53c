"""What customers are told."""

from wit_world.imports import settings

HANDED_OVER = "A colleague takes over and will write to you here."
ASK_AGAIN = "Sorry, we didn't get that. What is it about: an order, a return, a bill, a device, or your account?"

BY_INTENT = {
    "order": "{shop}: you find where your order is at {site}/orders. Reply AGENT if something is wrong with it.",
    "refund": "{shop}: you start a return at {site}/returns; the refund comes 5 days after we have it. Reply AGENT for help.",
    "billing": "{shop}: invoices and payments are at {site}/billing. Reply AGENT if one of them is wrong.",
    "technical": "{shop}: first aid for your device is at {site}/support. Reply AGENT if that doesn't help.",
    "account": "{shop}: you change your account and plan at {site}/account. Reply AGENT for help.",
    "thanks": "You're welcome!",
    "other": "{shop}: hello! Ask us about orders, returns, bills, devices or your account, or reply AGENT for a person.",
}


def to(intent: str) -> str:
    """The answer to an intent."""
    text = BY_INTENT.get(intent, ASK_AGAIN)
    return text.format(shop=settings.get("shop") or "We", site=settings.get("site") or "our site")
