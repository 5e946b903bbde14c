/** What a refused client gets: the status of the verdict, problem+json, and the headers that belong to it. */

import type { ClavigerError } from "./error.js";
import type { Sources } from "./sources.js";
import { statusOf, type Limit, type Problem, type Verdict } from "./verdict.js";

/** Why a request does not reach the service. */
export interface Refusal {
  passes: false;
  status: number;
  /** The body that the client gets. */
  problem: Problem;
  /** The headers that the client gets; several lines of one name are several entries. */
  headers: [string, string][];
  /** The verdict, if there is one. */
  verdict?: Verdict;
  /** Why there is none. It is for your logs: the client learns nothing of it. */
  error?: ClavigerError;
}

const TITLES: Record<number, string> = { 401: "Unauthorized", 403: "Forbidden", 429: "Too Many Requests", 503: "Service Unavailable" };

export function refusalOfVerdict(verdict: Verdict, sources: Sources): Refusal {
  // What says no in one field and yes in another is a refusal.
  const status = verdict.code === "VALID" ? 403 : statusOf(verdict.code);
  const { detail, retry_after_seconds: seconds } = verdict as { detail?: string; retry_after_seconds?: number };
  const refusal = ownRefusal(verdict.code, detail ?? "The request was refused.", sources, status);
  refusal.problem.request_id = verdict.request_id;
  const scope = verdict.code === "OPERATION_NOT_ALLOWED" ? sources.scopeChallenge() : undefined;
  if (scope !== undefined) refusal.headers.push(["WWW-Authenticate", scope]);
  if (Number.isSafeInteger(seconds)) refusal.headers.push(["Retry-After", String(seconds)]);
  refusal.headers.push(...limitHeaders(verdict.limits));
  refusal.verdict = verdict;
  return refusal;
}

/** There is no verdict, and nobody passes without one. */
export function refusalOfError(error: ClavigerError): Refusal {
  const refusal = make(503, "busy", "No verdict can be given at the moment; try again soon.");
  refusal.headers.push(["Retry-After", String(error.retryAfterSeconds ?? 1)]);
  refusal.error = error;
  return refusal;
}

/** A refusal with the code's status and its challenges. */
export function ownRefusal(code: string, detail: string, sources: Sources, status = statusOf(code)): Refusal {
  const refusal = make(status, code, detail);
  if (status === 401) {
    refusal.headers.push(...sources.challenges(code === "MISSING").map((it): [string, string] => ["WWW-Authenticate", it]));
  }
  return refusal;
}

/** `RateLimit` and `RateLimit-Policy` (draft-ietf-httpapi-ratelimit-headers), an item a limit. */
export function limitHeaders(limits: readonly Limit[]): [string, string][] {
  // A quoted string of a structured field holds visible ASCII; a name with other characters is left out.
  const plain = limits.filter((limit) => /^[ !#-[\]-~]*$/.test(limit.name));
  if (plain.length === 0) return [];
  const reset = (limit: Limit) => (typeof limit.reset_seconds !== "number" ? "" : `;t=${limit.reset_seconds}`);
  return [
    ["RateLimit", plain.map((limit) => `"${limit.name}";r=${limit.remaining}${reset(limit)}`).join(", ")],
    ["RateLimit-Policy", plain.map((limit) => `"${limit.name}";q=${limit.limit}`).join(", ")],
  ];
}

function make(status: number, code: string, detail: string): Refusal {
  const title = TITLES[status] ?? "Refused";
  return {
    passes: false,
    status,
    problem: { type: `urn:claviger:problem:${code}`, title, status, code, detail },
    headers: [["Content-Type", "application/problem+json"], ["Cache-Control", "no-store"]],
  };
}
