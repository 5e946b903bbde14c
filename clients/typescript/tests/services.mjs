// A service with Express and one with Hono behind the guard, for tests against a real server: prints their ports in a line of JSON, and
// answers whom it lets pass with the target and the method that it saw and with the verdict.
//
//   node tests/services.mjs '{"url": "http://…", "doorToken": "…", "api": "…", "trustedProxies": ["…"], "onOutage": "…"}'
import { createServer } from "node:http";

import { createAdaptorServer } from "@hono/node-server";
import express from "express";
import { Hono } from "hono";

import { Client, Guard } from "claviger-client";
import { claviger as forExpress } from "claviger-client/express";
import { claviger as forHono } from "claviger-client/hono";

const { url, doorToken, api, deadlineMs, ...options } = JSON.parse(process.argv[2]);
const guard = new Guard({ client: new Client({ url, doorToken, api, deadlineMs }), host: "api.github.com", ...options });
const seen = (target, method) => ({ "X-Upstream-Target": target, "X-Upstream-Method": method });

const onExpress = express().use(forExpress(guard), ({ originalUrl, method }, response) => {
  response.set(seen(originalUrl, method)).json(response.locals.claviger.verdict ?? null);
});
const onHono = new Hono().use(forHono(guard)).all("*", (context) => {
  const { pathname, search } = new URL(context.req.url);
  return context.json(context.get("claviger").verdict ?? null, 200, seen(pathname + search, context.req.method));
});

const servers = [createServer(onExpress), createAdaptorServer({ fetch: onHono.fetch })];
await Promise.all(servers.map((server) => new Promise((resolve) => server.listen(0, "127.0.0.1", resolve))));
console.log(JSON.stringify(servers.map((server) => server.address().port)));
// They end with whoever started them.
process.stdin.resume().on("end", () => process.exit());
