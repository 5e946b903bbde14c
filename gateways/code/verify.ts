// Asks Claviger whether a request may pass. It needs Node 18, Deno or Bun, and no package.
// clients/typescript has middleware and retries: docs/clients.md.

const DOORS = "@DOORS_URL@";
const API = "@API@";
// A key that holds claviger-verify, where the doors need a token.
const DOOR_TOKEN = process.env.CLAVIGER_DOOR_TOKEN ?? "";

/** True only if Claviger says so: without an answer nobody passes. */
export async function mayPass(key: string, method: string, path: string, clientIp: string): Promise<boolean> {
  try {
    const answer = await fetch(`${DOORS}/v1/verify`, {
      method: "POST",
      headers: { "Content-Type": "application/json", "X-Claviger-Door": DOOR_TOKEN },
      body: JSON.stringify({ credential: key, method, path, client_ip: clientIp, api: API }),
      signal: AbortSignal.timeout(5000),
    });
    return answer.ok && (await answer.json()).valid === true;
  } catch {
    return false;
  }
}

console.log(await mayPass(process.env.KEY ?? "", "@METHOD@", "@PATH@", "@CLIENT_IP@"));
