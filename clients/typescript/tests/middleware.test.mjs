// Express and Hono, before services of theirs.
import assert from "node:assert/strict";
import { createServer, request as send } from "node:http";
import test from "node:test";

import { createAdaptorServer } from "@hono/node-server";
import express from "express";
import { Hono } from "hono";

import { Client, CODES, Guard, statusOf } from "claviger-client";
import { claviger as forExpress } from "claviger-client/express";
import { claviger as forHono } from "claviger-client/hono";

import { busy, doors, hangUp, listen, nobody, refused, valid } from "./doors.mjs";

const who = (passed) => passed.verdict?.key?.name ?? "unjudged";

function ofExpress(guard) {
  const inner = express.Router().get("/b", (_, response) => response.send(who(response.locals.claviger)));
  return createServer(express().use("/a", forExpress(guard), inner));
}

function ofHono(guard) {
  const app = new Hono().use(forHono(guard)).get("/a/b", (context) => context.text(who(context.get("claviger"))));
  return createAdaptorServer({ fetch: app.fetch });
}

/** Both services with a guard for these doors. */
async function services(t, url, more = {}) {
  const guard = new Guard({ client: new Client({ url, retries: 0 }), ...more });
  return Promise.all([ofExpress, ofHono].map((make) => listen(t, make(guard))));
}

/** The target as it stands, which `fetch` would normalise. */
function ask(url, path, headers = { "X-Api-Key": "k" }) {
  return new Promise((resolve, reject) => {
    const sent = send(url, { path, headers, agent: false }, (response) => {
      let body = "";
      response.on("data", (chunk) => (body += chunk));
      response.on("end", () => resolve({ status: response.statusCode, headers: response.headers, raw: response.rawHeaders, body }));
    });
    sent.on("error", reject).end();
  });
}

test("who may pass reaches the service with the verdict", async (t) => {
  const server = await doors(t, valid);
  for (const url of await services(t, server.url)) {
    const answer = await ask(url, "/a/b?x=%2f");
    assert.deepEqual([answer.status, answer.body], [200, "Tester"]);
    assert.equal(answer.headers.ratelimit, '"minute";r=59;t=1');
    assert.equal(answer.headers["ratelimit-policy"], '"minute";q=60');
    const question = JSON.parse(server.requests.pop().body);
    const host = new URL(url).host;
    assert.deepEqual(question, { x_api_key: "k", client_ip: "127.0.0.1", method: "GET", path: "/a/b?x=%2f", host });
  }
});

test("the target is asked about as it came, and the key as it came", async (t) => {
  const server = await doors(t, refused("OPERATION_NOT_ALLOWED"));
  for (const url of await services(t, server.url, { host: "api.example.com" })) {
    await ask(url, "/a/../a/./b%2f;x?y=%00", { Authorization: "Basic YTpi" });
    const { path, authorization, host, x_api_key } = JSON.parse(server.requests.pop().body);
    assert.deepEqual([path, authorization, host, x_api_key], ["/a/../a/./b%2f;x?y=%00", "Basic YTpi", "api.example.com", undefined]);
  }
});

test("the token of an API user goes beside the key, and is none itself", async (t) => {
  const server = await doors(t, valid);
  for (const url of await services(t, server.url, { sources: ["basic"] })) {
    await ask(url, "/a/b", { Authorization: "Basic YTpi", "X-Token": "t" });
    const question = JSON.parse(server.requests.pop().body);
    assert.deepEqual([question.x_token, question.authorization, question.credential], ["t", "Basic YTpi", undefined]);
    await ask(url, "/a/b", { "X-Token": "t" });
    assert.equal(JSON.parse(server.requests.pop().body).credential, "");
    const two = await ask(url, "/a/b", { "X-Token": ["t", "u"] });
    assert.deepEqual([two.status, JSON.parse(two.body).code, server.requests.length], [401, "MALFORMED", 0]);
  }
});

test("who may not gets the refusal of every code and the service nothing", async (t) => {
  for (const code of [...CODES.filter((code) => code !== "VALID"), "OF_A_NEWER_SERVER"]) {
    const server = await doors(t, refused(code, { retry_after_seconds: 7, limits: [{ name: "day", limit: 9, remaining: 0, reset_seconds: null }] }));
    for (const url of await services(t, server.url)) {
      const { status, headers, body } = await ask(url, "/a/b");
      assert.equal(status, statusOf(code), code);
      assert.match(headers["content-type"], /^application\/problem\+json/);
      assert.deepEqual([headers["retry-after"], headers.ratelimit, headers["cache-control"]], ["7", '"day";r=0', "no-store"]);
      assert.equal(/^Basic .*Bearer /.test(headers["www-authenticate"] ?? ""), status === 401, code);
      const { type, detail, request_id } = JSON.parse(body);
      assert.deepEqual([type, detail, request_id], [`urn:claviger:problem:${code}`, "No.", "r"]);
    }
  }
});

test("a request without a key is asked about, and two keys in one header are nobody's", async (t) => {
  const server = await doors(t, refused("MISSING"));
  for (const url of await services(t, server.url)) {
    const missing = await ask(url, "/a/b", {});
    assert.match(missing.headers["www-authenticate"], /Bearer realm="claviger"$/);
    assert.equal(JSON.parse(server.requests.pop().body).credential, "");
    const two = await ask(url, "/a/b", { "X-Api-Key": ["a", "b"] });
    assert.deepEqual([two.status, JSON.parse(two.body).code, server.requests.length], [401, "MALFORMED", 0]);
    await ask(url, "/a/b", { "X-Api-Key": ["a", "a"] });
    assert.equal(JSON.parse(server.requests.pop().body).x_api_key, "a");
  }
  const [own] = await services(t, server.url, { sources: ["X-Company-Key"] });
  const refusal = await ask(own, "/a/b", { "X-Company-Key": "k", "X-Api-Key": "j" });
  assert.equal(refusal.headers["www-authenticate"], 'ApiKey realm="claviger", in="x-company-key"');
  const { credential, x_api_key } = JSON.parse(server.requests.pop().body);
  assert.deepEqual([credential, x_api_key], ["k", undefined]);
});

test("another method in a header is refused without a question", async (t) => {
  const server = await doors(t, valid);
  for (const url of await services(t, server.url)) {
    const { status } = await ask(url, "/a/b", { "X-Api-Key": "k", "X-HTTP-Method-Override": "DELETE" });
    assert.deepEqual([status, server.requests.length], [403, 0]);
  }
});

test("only a trusted peer names another client", async (t) => {
  const server = await doors(t, valid);
  const headers = { "X-Api-Key": "k", "X-Forwarded-For": "198.51.100.1, 203.0.113.7" };
  for (const [trustedProxies, client_ip] of [[[], "127.0.0.1"], [["127.0.0.0/8"], "203.0.113.7"]]) {
    for (const url of await services(t, server.url, { trustedProxies })) {
      await ask(url, "/a/b", headers);
      assert.equal(JSON.parse(server.requests.pop().body).client_ip, client_ip);
    }
  }
});

test("during an outage nobody passes unless that was chosen", async (t) => {
  const urls = [await nobody(), (await doors(t, hangUp)).url, (await doors(t, busy({ "Retry-After": "3" }))).url];
  for (const away of urls) {
    for (const url of await services(t, away)) {
      const { status, headers, body } = await ask(url, "/a/b");
      assert.deepEqual([status, JSON.parse(body).code], [503, "busy"]);
      assert.match(headers["retry-after"], /^[13]$/);
    }
    for (const url of await services(t, away, { onOutage: "pass" })) {
      assert.equal((await ask(url, "/a/b")).body, "unjudged");
    }
  }
});

test("a mistake lets nobody pass whatever was chosen", async (t) => {
  const wrongToken = { status: 403, body: '{"code":"door_token","detail":"d"}' };
  for (const answer of [wrongToken, { status: 302, body: "" }, refused("NEWER"), { status: 200, body: "{}" }]) {
    const server = await doors(t, answer);
    for (const url of await services(t, server.url, { onOutage: "pass" })) {
      const { status } = await ask(url, "/a/b");
      assert.ok(status === 503 || status === 403, `${status}`);
    }
  }
});
