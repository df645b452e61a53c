// An SMSC on the `smpp` package: takes transceivers, answers submits, delivers receipts and messages from phones.
'use strict';

const smpp = require('smpp');
const { obey, tell } = require('./lines');

const GSM = 0x00;
const UCS2 = 0x08;
const RECEIPT = 0x04;
const WITH_HEADER = 0x40;

const phones = new Map(); // number → concatenation reference → texts by place
let bound = null;
let submits = 0;

const server = smpp.createServer((session) => {
  session.on('error', (error) => tell('session_error', { error: String(error) }));
  session.on('bind_transceiver', (pdu) => {
    session.send(pdu.response({ system_id: 'npm', sc_interface_version: 0x34 }));
    bound = session;
    tell('bound', { system_id: pdu.system_id, password: pdu.password, interface_version: pdu.interface_version });
  });
  session.on('enquire_link', (pdu) => session.send(pdu.response()));
  session.on('unbind', (pdu) => {
    session.send(pdu.response());
    session.close();
    tell('unbound', {});
  });
  session.on('unknown', (pdu) => tell('unknown_pdu', { command_id: pdu.command_id }));
  session.on('submit_sm', (pdu) => take(session, pdu));
});

function take(session, pdu) {
  submits += 1;
  const id = `npm-${submits}`;
  session.send(pdu.response({ message_id: id }));
  const { udh, message } = pdu.short_message;
  tell('submit', {
    id,
    from: pdu.source_addr,
    to: pdu.destination_addr,
    text: message,
    data_coding: pdu.data_coding,
    esm_class: pdu.esm_class,
    registered_delivery: pdu.registered_delivery,
    header: udh ? udh.map((element) => element.toString('hex')) : [],
  });
  const whole = join(pdu.destination_addr, udh, message);
  if (whole !== null) tell('message', { from: pdu.source_addr, to: pdu.destination_addr, text: whole });
  if (pdu.registered_delivery & 1) receipt(session, pdu, id);
}

// The text of a message that is whole now, or null.
function join(to, udh, text) {
  const concatenation = (udh ?? []).find((element) => element[0] === 0x00 || element[0] === 0x08);
  if (!concatenation) return text;
  const [total, place] = concatenation.subarray(-2);
  const key = `${to}/${concatenation.subarray(2, -2).toString('hex')}/${total}`;
  const parts = phones.get(key) ?? new Map();
  phones.set(key, parts.set(place, text));
  if (parts.size < total) return null;
  phones.delete(key);
  return [...parts].sort(([a], [b]) => a - b).map(([, part]) => part).join('');
}

function receipt(session, submit, id) {
  const text = `id:${id} sub:001 dlvrd:001 submit date:2611230900 done date:2611230901 stat:DELIVRD err:000 text:`;
  const deliver = {
    source_addr: submit.destination_addr,
    destination_addr: submit.source_addr,
    esm_class: RECEIPT,
    data_coding: GSM,
    short_message: text,
  };
  session.deliver_sm(deliver, (answer) => tell('receipt_answered', { id, status: answer.command_status }));
}

function send({ from, to, text }) {
  bound.deliver_sm(deliverable(from, to, text), (answer) => tell('mo_answered', { status: answer.command_status }));
}

function send_parts({ from, to, texts, reference }) {
  texts.forEach((text, index) => {
    const header = Buffer.from([0x05, 0x00, 0x03, reference, texts.length, index + 1]);
    const deliver = deliverable(from, to, { udh: header, message: text });
    deliver.esm_class = WITH_HEADER;
    bound.deliver_sm(deliver, (answer) => tell('mo_answered', { status: answer.command_status }));
  });
}

function deliverable(from, to, message) {
  const text = message.message ?? message;
  const data_coding = /^[\x20-\x7e]*$/.test(text) ? GSM : UCS2;
  return { source_addr: from, destination_addr: to, source_addr_ton: 1, data_coding, short_message: message };
}

server.listen(0, '127.0.0.1', () => tell('listening', { port: server.address().port }));
obey({ send, send_parts });
