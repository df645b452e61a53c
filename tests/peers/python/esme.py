"""A client on `smpplib`: binds, submits, answers what is delivered, and tells all of it."""

import json
import selectors
import sys

import smpplib.client
import smpplib.consts
import smpplib.gsm

RECEIPT = 0x04  # in esm_class

def tell(event, **members):
    print(json.dumps({"event": event, **members}), flush=True)


def text_of(pdu):
    octets = pdu.short_message or b""
    if pdu.esm_class & smpplib.consts.SMPP_GSMFEAT_UDHI:
        octets = octets[octets[0] + 1 :]
    if pdu.data_coding == smpplib.consts.SMPP_ENCODING_ISO10646:
        return octets.decode("utf-16-be")
    # Stories write to this client in letters that GSM 03.38 and ASCII have in common.
    return octets.decode("ascii")


def number(address):
    return address.decode("ascii")


class Esme:
    def __init__(self, host, port, system_id, password):
        self.client = smpplib.client.Client(host, port, timeout=20, allow_unknown_opt_params=True)
        self.client.set_message_sent_handler(self.answered)
        self.client.set_message_received_handler(self.received)
        self.client.set_error_pdu_handler(self.answered)
        self.client.connect()
        bound = self.client.bind_transceiver(system_id=system_id, password=password)
        tell("bound", status=int(bound.status), system_id=number(bound.system_id))

    def submit(self, order):
        parts, coding, esm_class = smpplib.gsm.make_parts(order["text"])
        for part in parts:
            pdu = self.client.send_message(
                source_addr_ton=smpplib.consts.SMPP_TON_INTL,
                source_addr=order["from"],
                dest_addr_ton=smpplib.consts.SMPP_TON_INTL,
                destination_addr=order["to"],
                short_message=part,
                data_coding=coding,
                esm_class=esm_class,
                registered_delivery=True,
            )
            tell("submitted", sequence=pdu.sequence, parts=len(parts))

    def enquire(self, order):
        self.client.send_pdu(smpplib.smpp.make_pdu("enquire_link", client=self.client))
        answer = self.client.read_pdu()
        tell("enquired", command=answer.command, status=int(answer.status))

    def unbind(self, order):
        answer = self.client.unbind()
        self.client.disconnect()
        tell("unbound", command=answer.command, status=int(answer.status))
        sys.exit(0)

    def answered(self, pdu):
        message_id = number(pdu.message_id) if getattr(pdu, "message_id", None) else None
        tell("answer", sequence=pdu.sequence, status=int(pdu.status), message_id=message_id)

    def received(self, pdu):
        members = {"from": number(pdu.source_addr), "to": number(pdu.destination_addr), "text": text_of(pdu)}
        if pdu.esm_class & RECEIPT:
            members["id"] = number(pdu.receipted_message_id) if pdu.receipted_message_id else None
            members["state"] = pdu.message_state
            tell("receipt", **members)
        else:
            tell("mo", **members)


def main():
    host, port, system_id, password = sys.argv[1:]
    esme = Esme(host, port, system_id, password)
    orders = open(0, "rb", buffering=0)  # what is buffered, a selector doesn't see
    watched = selectors.DefaultSelector()
    watched.register(orders, selectors.EVENT_READ, "order")
    watched.register(esme.client._socket, selectors.EVENT_READ, "pdu")
    while True:
        for key, _ in watched.select():
            if key.data == "pdu":
                esme.client.read_once(auto_send_enquire_link=False)
                continue
            line = orders.readline()
            if not line:
                return
            order = json.loads(line)
            getattr(esme, order["order"])(order)


main()
