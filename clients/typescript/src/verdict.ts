/** What is asked and what is answered. Fields that a newer server adds are kept as they came. */

/** Why a request may pass or not, in the order in which the server asks. */
export const CODES = [
  "MISSING",
  "MALFORMED",
  "NOT_FOUND",
  "DISABLED",
  "PENDING",
  "EXPIRED",
  "NOT_YET_VALID",
  "OWNER_DISABLED",
  "OWNER_LOCKED",
  "OWNER_EXPIRED",
  "IP_NOT_ALLOWED",
  "OPERATION_NOT_ALLOWED",
  "RATE_LIMITED",
  "QUOTA_EXCEEDED",
  "VALID",
] as const;

/** A code that this client knows. */
export type Code = (typeof CODES)[number];

/** A code of a refusal; also a word of a newer server, which is a refusal whatever else the verdict says. */
export type RefusalCode = Exclude<Code, "VALID"> | (string & {});

/**
 * A question to the doors. It needs one credential at least: `credential`, `identifier` and `password`, `authorization` or `x_api_key`.
 * An empty one is a request without a key, which gets a verdict too: `MISSING`.
 */
export interface Question {
  /** A key by itself. */
  credential?: string | undefined;
  /** The identifier of a pair, beside `password`. */
  identifier?: string | undefined;
  password?: string | undefined;
  /** The header `Authorization` as it came. */
  authorization?: string | undefined;
  /** The header `X-Api-Key` as it came. */
  x_api_key?: string | undefined;
  /** The header `X-Token` as it came: the token of an API user, beside the key of its application. */
  x_token?: string | undefined;
  /** The header `X-Api-Signature` as it came, beside `body`. */
  x_api_signature?: string | undefined;
  /** The body that was signed, byte for byte as it came, in base64: `Buffer.from(bytes).toString("base64")`. */
  body?: string | undefined;
  /** The client's address, as far as you know it by yourself. Without it a key that is bound to addresses is refused. */
  client_ip?: string | undefined;
  method?: string | undefined;
  /** The request's target as it came, query included: nothing decoded, nothing normalised. */
  path?: string | undefined;
  host?: string | undefined;
  /** The API that is asked for, by slug or id. Without it host and path tell. */
  api?: string | undefined;
  /** API sets that the key must hold, all of them. */
  requires?: readonly string[] | undefined;
  /** How much of a limit this request takes; 1 if not given. */
  cost?: number | undefined;
}

/** Whose key it was. */
export interface Key {
  id: string;
  name: string;
  environment: "live" | "test";
  /** Beginning and end of the secret that was used. */
  hint: string;
  owner: { type: "organization" | "user" | "application"; id: string; name: string };
  /** The provider's sets that it holds. */
  api_sets: string[];
  /** What the key stands for elsewhere. */
  external_id: string | null;
  /** What its maker wrote beside it. */
  metadata: Record<string, unknown>;
  /** When it ends, RFC 3339 in UTC. */
  expires_at: string | null;
}

/** The API user whose session the request belongs to. */
export interface ApiUser {
  id: string;
  user_name: string;
  permission_type?: 1 | 2 | 3 | 4 | 5;
  language?: string | null;
  contact?: { id: string; email: string | null } | null;
  profile_user?: { id: string; external: string | null } | null;
}

/** A limit and what is left of it. */
export interface Limit {
  name: string;
  limit: number;
  remaining: number;
  /** Until all of it is there again; null where it never is by itself. */
  reset_seconds?: number | null;
}

/** What every verdict has. */
export interface VerdictBase {
  /** By this the server's logs name the question. */
  request_id: string;
  /** The key's organization, if the secret was right. */
  organization?: string;
  /** The key, if the secret was right. */
  key?: Key;
  api_user: ApiUser | null;
  /** The API that the request belongs to. */
  api: string | null;
  /** Its version, where the path has one that the API lists. */
  api_version?: string;
  /** The operation that the request is. */
  operation: string | null;
  /** There, and false, if no right was asked about: no method and path, and no `requires`. */
  operation_checked?: false;
  limits: Limit[];
}

/** The request may pass. */
export interface AllowedVerdict extends VerdictBase {
  valid: true;
  code: "VALID";
  /** What an API in report-only mode would have refused it with. */
  would_be?: RefusalCode;
}

/** The request may not pass. */
export interface RefusedVerdict extends VerdictBase {
  valid: false;
  code: RefusalCode;
  /** One sentence for a person. */
  detail?: string;
  /** After how many seconds it is worth to try again, where a limit refused it. */
  retry_after_seconds?: number;
}

/** May the request pass, and whose key it was. */
export type Verdict = AllowedVerdict | RefusedVerdict;

/** A refusal as the server words it (RFC 9457). */
export interface Problem {
  type: string;
  title: string;
  status: number;
  code: string;
  detail: string;
  /** By this the server's logs name the question; not there where no server was asked. */
  request_id?: string;
  errors?: { field: string; message: string }[];
}

/** Whether the request may pass: the server says so, with the one code that means it. */
export function isAllowed(verdict: Verdict): verdict is AllowedVerdict {
  return verdict.valid === true && verdict.code === "VALID";
}

/** The status that a refused client gets; 403 for a word that this client does not know. */
export function statusOf(code: string): number {
  switch (code) {
    case "RATE_LIMITED":
    case "QUOTA_EXCEEDED":
      return 429;
    case "IP_NOT_ALLOWED":
    case "OPERATION_NOT_ALLOWED":
      return 403;
    case "VALID":
      return 200;
    default:
      return (CODES as readonly string[]).includes(code) ? 401 : 403;
  }
}

/** Whether JSON has what every verdict has. */
export function isVerdict(value: unknown): value is Verdict {
  if (typeof value !== "object" || value === null) return false;
  const { valid, code, request_id, limits } = value as Record<string, unknown>;
  return typeof valid === "boolean" && typeof code === "string" && typeof request_id === "string" && Array.isArray(limits);
}
