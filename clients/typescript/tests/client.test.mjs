// The call, against doors that do what doors and networks do; the real server's tests stand in `e2e`.
import assert from "node:assert/strict";
import test from "node:test";
import { inspect } from "node:util";

import { Client, CODES, isAllowed, statusOf } from "claviger-client";

import { TrustedProxies } from "../dist/address.js";
import { waitBefore } from "../dist/client.js";
import { ClavigerError } from "../dist/error.js";
import { busy, doors, hangUp, nobody, refused, silent, VALID, valid } from "./doors.mjs";

const question = { credential: "clv_live_secret", method: "GET", path: "/a" };
const client = (url, more = {}) => new Client({ url, api: "shop", doorToken: "door-token", ...more });
const failure = (kind) => (error) => error instanceof ClavigerError && error.kind === kind;

test("many questions go over connections that are used again", async (t) => {
  const server = await doors(t, valid);
  const asks = client(server.url);
  for (let count = 0; count < 50; count += 1) assert.ok(isAllowed(await asks.verify(question)));
  assert.equal(server.requests.length, 50);
  // `fetch` may open a second one while the first is being put back.
  assert.ok(server.connections() <= 2, `${server.connections()}`);
  const { url, method, headers, body } = server.requests[0];
  assert.deepEqual([method, url, headers["x-claviger-door"]], ["POST", "/v1/verify", "door-token"]);
  assert.deepEqual(JSON.parse(body), { ...question, api: "shop" });
});

test("what is busy or breaks is asked again", async (t) => {
  for (const script of [[busy(), valid], [busy(), busy(), valid], [hangUp, valid]]) {
    const tries = script.length;
    const server = await doors(t, ...script);
    assert.ok(isAllowed(await client(server.url).verify(question)));
    assert.equal(server.requests.length, tries);
  }
});

test("retries have an end and a refusal is none", async (t) => {
  const server = await doors(t, busy());
  await assert.rejects(client(server.url, { retries: 2 }).verify(question), failure("busy"));
  assert.equal(server.requests.length, 3);
  const refusing = await doors(t, refused("EXPIRED"));
  const verdict = await client(refusing.url).verify(question);
  assert.deepEqual([isAllowed(verdict), verdict.code, refusing.requests.length], [false, "EXPIRED", 1]);
});

test("a server that asks for more time than there is is not asked again", async (t) => {
  const server = await doors(t, busy({ "Retry-After": "60" }), valid);
  const error = await client(server.url).verify(question).catch((error) => error);
  assert.deepEqual([error.kind, error.retryAfterSeconds, server.requests.length], ["busy", 60, 1]);
});

test("waits double up to a bound, half of each is chance, and what the server asks for is kept", () => {
  const away = new ClavigerError("unreachable", "");
  assert.deepEqual([0, 1, 2, 4, 5, 40].map((tries) => waitBefore(away, tries, 1)), [25, 50, 100, 400, 400, 400]);
  assert.equal(waitBefore(away, 2, 0), 50);
  assert.equal(waitBefore(new ClavigerError("busy", "", { retryAfterSeconds: 1 }), 0, 1), 1025);
  for (const kind of ["deadline", "door_token", "malformed", "unexpected"]) {
    assert.equal(waitBefore(new ClavigerError(kind, ""), 0, 1), undefined, kind);
  }
});

test("the deadline is over everything", async (t) => {
  const server = await doors(t, silent);
  const began = performance.now();
  await assert.rejects(client(server.url, { deadlineMs: 200 }).verify(question), failure("deadline"));
  const took = performance.now() - began;
  assert.ok(took >= 190 && took < 5000, `${took} ms`);
  assert.equal(server.requests.length, 1);
});

test("a server that is away is an outage and no verdict", async () => {
  const error = await client(await nobody()).verify(question).catch((error) => error);
  assert.deepEqual([error.kind, error.isOutage], ["unreachable", true]);
  assert.match(error.message, /ECONNREFUSED/);
});

test("a redirect is not followed", async (t) => {
  const other = await doors(t, valid);
  for (const status of [301, 302, 303, 307, 308]) {
    const server = await doors(t, { ...valid, status, headers: { Location: `${other.url}/v1/verify` } });
    await assert.rejects(client(server.url).verify(question), failure("unexpected"));
  }
  assert.equal(other.connections(), 0, "the key went nowhere else");
});

test("what is no verdict lets nobody pass", async (t) => {
  for (const body of ["", "{}", "true", "null", '{"valid":true}', "<html>", '{"valid":"true","code":"VALID","request_id":"r","limits":[]}']) {
    const server = await doors(t, { status: 200, body });
    await assert.rejects(client(server.url).verify(question), failure("unexpected"), body);
  }
  const endless = await doors(t, { status: 200, body: " ".repeat(5 << 20) });
  await assert.rejects(client(endless.url).verify(question), /too long/);
  for (const [status, code, kind] of [[403, "door_token", "door_token"], [403, "other", "unexpected"], [400, "invalid_request", "malformed"], [401, "x", "unexpected"], [500, "x", "unexpected"]]) {
    const server = await doors(t, { status, body: JSON.stringify({ code, detail: "d" }) });
    const error = await client(server.url).verify(question).catch((error) => error);
    assert.deepEqual([error.kind, error.isOutage], [kind, false]);
  }
});

test("a batch keeps its order and names what is malformed", async (t) => {
  const problem = { type: "t", title: "t", status: 400, code: "invalid_request", detail: "d", errors: [{ field: "path", message: "m" }] };
  const server = await doors(t, { status: 200, body: JSON.stringify([VALID, problem]) });
  assert.deepEqual(await client(server.url).verifyBatch([question, question]), [VALID, problem]);
  await assert.rejects(client(server.url).verifyBatch([question]), /2 answers to 1 questions/);
  assert.deepEqual(await client(server.url).verifyBatch([]), []);
});

test("what a newer server adds is passed on, and a code that nobody knows is a refusal", async (t) => {
  const newer = { ...VALID, code: "ON_HOLIDAY", weather: { rain: 3 } };
  const server = await doors(t, { status: 200, body: JSON.stringify(newer) });
  const verdict = await client(server.url).verify(question);
  assert.deepEqual(verdict, newer);
  assert.deepEqual([isAllowed(verdict), statusOf(verdict.code), statusOf("toString")], [false, 403, 403]);
  assert.equal(CODES.length, 15);
});

test("only a plain place is taken for the doors, and nothing of a secret is printed", async () => {
  for (const url of ["", "127.0.0.1:7601", "/v1", "ftp://a", "http://me:secret@a", "http://a/?b", "http://a/#b"]) {
    assert.throws(() => new Client({ url }), (error) => !error.message.includes("secret"), url);
  }
  assert.throws(() => new Client({ url: "http://a", doorToken: "clv_live\ndoor" }), (error) => !inspect(error).includes("clv_live"));
  const away = client(await nobody());
  const error = await away.verify(question).catch((error) => error);
  const printed = inspect([away, error], { depth: 9, showHidden: true });
  assert.ok(!printed.includes("door-token") && !printed.includes("clv_live_secret"), printed);
});

test("the client's address is walked from the right through trusted proxies only", () => {
  const trusted = new TrustedProxies(["127.0.0.1", "10.0.0.0/8", "::1"]);
  for (const [peer, lines, client] of [
    ["127.0.0.1", ["203.0.113.7"], "203.0.113.7"],
    ["127.0.0.1", ["198.51.100.1, 203.0.113.7"], "203.0.113.7"],
    ["::1", ["198.51.100.1, 203.0.113.7, 10.0.0.2,127.0.0.1"], "203.0.113.7"],
    ["::ffff:127.0.0.1", ["evil, 203.0.113.7:4711"], "203.0.113.7"],
    ["127.0.0.1", ["10.1.1.1, 10.2.2.2"], "10.1.1.1"],
    ["127.0.0.1", ["[2001:DB8::1]:443, 10.0.0.1"], "2001:db8::1"],
    ["127.0.0.1", ["::ffff:cb00:7107"], "203.0.113.7"],
    ["203.0.113.9", ["198.51.100.1"], "203.0.113.9"],
    ["::ffff:203.0.113.9", [], "203.0.113.9"],
    ["fe80::1%eth0", [], "fe80::1"],
    ["127.0.0.1", [], "127.0.0.1"],
    [undefined, ["198.51.100.1"], undefined],
    ["127.0.0.1", ["203.0.113.7", "203.0.113.7"], undefined],
    ["127.0.0.1", [Array(32).fill("10.0.0.1").join(",")], "10.0.0.1"],
    ["127.0.0.1", [`203.0.113.7,${Array(32).fill("10.0.0.1").join(",")}`], undefined],
    ...["", "unknown", "203.0.113.7, unknown", "203.0.113.7,", "203.0.113.256", "0x7f.1", "[203.0.113.7]", "1.2.3.4:99999", "fe80::1%eth0"]
      .map((list) => ["127.0.0.1", [list], undefined]),
  ]) {
    assert.equal(trusted.client(peer, lines), client, `${peer}: ${lines}`);
  }
  for (const range of ["", "10.0.0.0/33", "10.0.0.0/", "10.0.0.0/8/8", "proxy.internal", "10.0.0.0/-1", "fe80::1%eth0"]) {
    assert.throws(() => new TrustedProxies([range]), /is no address/, range);
  }
});
