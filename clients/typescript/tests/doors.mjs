// Doors that answer as a test says, and count who comes.
import { createServer } from "node:http";

const KEY = {
  id: "key_1", name: "Tester", environment: "live", hint: "clv_live_…", owner: { type: "organization", id: "org_1", name: "Acme" },
  api_sets: [], external_id: null, metadata: {}, expires_at: null,
};
const REST = { api_user: null, api: "shop", operation: "shop:get" };

export const VALID = {
  valid: true, code: "VALID", request_id: "r", organization: "org_1", key: KEY, ...REST,
  limits: [{ name: "minute", limit: 60, remaining: 59, reset_seconds: 1 }],
};

export const valid = { status: 200, body: JSON.stringify(VALID) };
export const refused = (code, more = {}) => ({
  status: 200, body: JSON.stringify({ valid: false, code, request_id: "r", detail: "No.", ...REST, limits: [], ...more }),
});
export const busy = (headers = {}) => ({ status: 503, headers, body: '{"code":"busy"}' });
export const hangUp = { hangsUp: true };
export const silent = { isSilent: true };

/** Doors that answer by the script, its last line for ever; closed when the test ends. */
export async function doors(test, ...script) {
  const requests = [];
  let connections = 0;
  const server = createServer((request, response) => {
    let body = "";
    request.on("data", (chunk) => (body += chunk));
    request.on("end", () => {
      requests.push({ url: request.url, method: request.method, headers: request.headers, body });
      const act = script.length > 1 ? script.shift() : script[0];
      if (act.hangsUp) request.socket.destroy();
      else if (!act.isSilent) response.writeHead(act.status, act.headers).end(act.body);
    });
  });
  server.on("connection", () => (connections += 1));
  const url = await listen(test, server);
  return { url, requests, connections: () => connections };
}

/** The address of a server that ends with the test. */
export async function listen(test, server) {
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  test.after(() => {
    server.closeAllConnections?.();
    server.close();
  });
  return `http://127.0.0.1:${server.address().port}`;
}

/** An address at which nobody listens. */
export async function nobody() {
  const server = createServer();
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address();
  await new Promise((resolve) => server.close(resolve));
  return `http://127.0.0.1:${port}`;
}
