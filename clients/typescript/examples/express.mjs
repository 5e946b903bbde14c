// A service that only keys of Claviger reach, with Express.
//
//   claviger serve --demo          prints a key and where the doors are
//   node examples/express.mjs
//   curl -i -H 'X-Api-Key: clv_live_…' http://127.0.0.1:8080/repos/octocat/hello/issues
import express from "express";

import { Client, Guard } from "claviger-client";
import { claviger } from "claviger-client/express";

const client = new Client({
  url: process.env.CLAVIGER_DOORS_URL ?? "http://127.0.0.1:7601",
  doorToken: process.env.CLAVIGER_DOOR_TOKEN,
  api: process.env.CLAVIGER_API ?? "github",
});

const app = express();
app.get("/healthz", (_, response) => response.send("well\n"));
app.use(claviger(new Guard({ client })));
app.get("/repos/:owner/:repo/issues", (_, response) => {
  response.send(`issues, for ${response.locals.claviger.verdict?.key?.name ?? "anybody"}\n`);
});

const server = app.listen(Number(process.env.PORT ?? 8080), "127.0.0.1", () => {
  console.log(`listening on http://127.0.0.1:${server.address().port}`);
});
