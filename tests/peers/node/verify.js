// Verifies webhooks with the `standardwebhooks` package: the raw body and the headers as they came.
'use strict';

const { Webhook } = require('standardwebhooks');
const { obey, tell } = require('./lines');

obey({
  verify({ secret, headers, body }) {
    try {
      const payload = new Webhook(secret).verify(Buffer.from(body, 'base64').toString('utf8'), headers);
      tell('verified', { payload });
    } catch (error) {
      tell('refused', { why: String(error) });
    }
  },
});
