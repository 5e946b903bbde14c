// A service that only keys of Claviger reach, with Hono on Node.
//
//   claviger serve --demo          prints a key and where the doors are
//   node examples/hono.mjs
//   curl -i -H 'X-Api-Key: clv_live_…' http://127.0.0.1:8080/repos/octocat/hello/issues
import { serve } from "@hono/node-server";
import { Hono } from "hono";

import { Client, Guard } from "claviger-client";
import { claviger } from "claviger-client/hono";

const client = new Client({
  url: process.env.CLAVIGER_DOORS_URL ?? "http://127.0.0.1:7601",
  doorToken: process.env.CLAVIGER_DOOR_TOKEN,
  api: process.env.CLAVIGER_API ?? "github",
});

const app = new Hono();
app.get("/healthz", (c) => c.text("well\n"));
app.use(claviger(new Guard({ client })));
app.get("/repos/:owner/:repo/issues", (c) => c.text(`issues, for ${c.get("claviger").verdict?.key?.name ?? "anybody"}\n`));

serve({ fetch: app.fetch, port: Number(process.env.PORT ?? 8080), hostname: "127.0.0.1" }, ({ port }) => {
  console.log(`listening on http://127.0.0.1:${port}`);
});
