"""Verifies webhooks with the `standardwebhooks` package: the raw body and the headers as they came."""

import base64
import json
import sys

from standardwebhooks.webhooks import Webhook


def tell(event, **members):
    print(json.dumps({"event": event, **members}), flush=True)


for line in sys.stdin:
    order = json.loads(line)
    try:
        payload = Webhook(order["secret"]).verify(base64.b64decode(order["body"]), order["headers"])
        tell("verified", payload=payload)
    except Exception as error:  # whatever it says, the story wants to read it
        tell("refused", why=repr(error))
