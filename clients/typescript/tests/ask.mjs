// Asks what it is told, a question a line, and answers with a line for each: the verdict, or the error's kind.
//
//   node tests/ask.mjs http://127.0.0.1:7601      {"question": {…}, "doorToken": "…"}
import { createInterface } from "node:readline";

import { Client, isAllowed } from "claviger-client";

const clients = new Map();
const clientOf = (doorToken) => {
  if (!clients.has(doorToken)) clients.set(doorToken, new Client({ url: process.argv[2], doorToken }));
  return clients.get(doorToken);
};

for await (const line of createInterface({ input: process.stdin })) {
  const { question, doorToken } = JSON.parse(line);
  const verdict = await clientOf(doorToken).verify(question).catch((error) => ({ error: error.kind ?? String(error) }));
  console.log(JSON.stringify({ verdict, isAllowed: isAllowed(verdict) }));
}
