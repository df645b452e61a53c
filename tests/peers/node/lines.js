// Events out and orders in, as lines of JSON.
'use strict';

const readline = require('node:readline');

function tell(event, members) {
  process.stdout.write(JSON.stringify({ event, ...members }) + '\n');
}

// Calls `orders[name]` for each order; ends the process with its input.
function obey(orders) {
  const lines = readline.createInterface({ input: process.stdin });
  lines.on('line', (line) => {
    const order = JSON.parse(line);
    orders[order.order](order);
  });
  lines.on('close', () => process.exit(0));
}

module.exports = { obey, tell };
