/** What stands before a service: reads a request, asks, and lets it pass or not. */

import { TrustedProxies } from "./address.js";
import type { Client } from "./client.js";
import { ClavigerError } from "./error.js";
import { limitHeaders, ownRefusal, refusalOfError, refusalOfVerdict, type Refusal } from "./refusal.js";
import { Sources, type HeaderLines } from "./sources.js";
import { isAllowed, type AllowedVerdict, type Question } from "./verdict.js";

/** How a guard reads requests. */
export interface GuardOptions {
  client: Client;
  /** API sets that every key must hold. */
  requires?: readonly string[] | undefined;
  /** The service's own name, in the place of the one that the client sends. */
  host?: string | undefined;
  /** Where keys stand, in the words of the API's `credential_sources`; `["basic", "bearer", "x-api-key"]` if not given. */
  sources?: readonly string[] | undefined;
  /**
   * The proxies before the service, as addresses and networks: from them alone `X-Forwarded-For` is believed, walked from the right to
   * the first address that is none of them. Without it the client is who is connected.
   */
  trustedProxies?: readonly string[] | undefined;
  /**
   * What happens while the server is away: nobody passes (`"refuse"`, 503), or everybody with any key or none (`"pass"`: only for
   * what does no harm in anybody's hands).
   */
  onOutage?: "refuse" | "pass" | undefined;
}

/** A request as it came. */
export interface RequestFacts {
  method: string;
  /** Path and query, nothing decoded, nothing normalised. */
  target: string;
  /** All lines of a header, by its name in small letters. */
  lines: HeaderLines;
  /** Who is connected. */
  peer?: string | undefined;
}

/** A request that may go on. */
export interface Passed {
  passes: true;
  /** `RateLimit` and `RateLimit-Policy`, for the answer. */
  headers: [string, string][];
  /** The verdict; not there if the request passes unjudged, as `onOutage: "pass"` chose. */
  verdict?: AllowedVerdict;
  /** Why there is no verdict. */
  error?: ClavigerError;
}

/** Headers by which some services take another method than the request's. */
const METHOD_OVERRIDES = ["x-http-method-override", "x-http-method", "x-method-override"];

/** Judges requests before a service. */
export class Guard {
  readonly #client: Client;
  readonly #requires: readonly string[] | undefined;
  readonly #host: string | undefined;
  readonly #sources: Sources;
  readonly #trusted: TrustedProxies;
  readonly #passesOnOutage: boolean;

  constructor(options: GuardOptions) {
    this.#client = options.client;
    this.#requires = options.requires;
    this.#host = options.host;
    this.#sources = new Sources(options.sources ?? ["basic", "bearer", "x-api-key"]);
    this.#trusted = new TrustedProxies(options.trustedProxies ?? []);
    this.#passesOnOutage = options.onOutage === "pass";
  }

  /** May this request pass? */
  async judge(request: RequestFacts): Promise<Passed | Refusal> {
    const question = this.#question(request);
    if ("passes" in question) return question;
    try {
      const verdict = await this.#client.verify(question);
      if (!isAllowed(verdict)) return refusalOfVerdict(verdict, this.#sources);
      return { passes: true, verdict, headers: limitHeaders(verdict.limits) };
    } catch (caught) {
      const error = caught instanceof ClavigerError ? caught : new ClavigerError("unexpected", "the client failed");
      if (error.isOutage && this.#passesOnOutage) return { passes: true, error, headers: [] };
      return refusalOfError(error);
    }
  }

  #question(request: RequestFacts): Question | Refusal {
    const { method, target, lines, peer } = request;
    const others = METHOD_OVERRIDES.flatMap((name) => lines(name)).filter((other) => other.toUpperCase() !== method.toUpperCase());
    if (others.length > 0) {
      // The question has one method, so no other may reach the service.
      return ownRefusal("OPERATION_NOT_ALLOWED", "The request names another method in a header.", this.#sources);
    }
    const hosts = lines("host");
    if (this.#host === undefined && hosts.length > 1) {
      return ownRefusal("OPERATION_NOT_ALLOWED", "The request names several hosts.", this.#sources);
    }
    const credentials = this.#sources.read(lines);
    if (credentials === undefined) {
      const two = "The credential has no valid form, or there are two different ones.";
      return ownRefusal("MALFORMED", two, this.#sources);
    }
    const client_ip = this.#trusted.client(peer, lines("x-forwarded-for"));
    return { ...credentials, client_ip, method, path: target, host: this.#host ?? hosts[0], requires: this.#requires };
  }
}

/** The lines of a header in Node's list of names and values. */
export function rawLines(rawHeaders: readonly string[]): HeaderLines {
  return (name) => rawHeaders.filter((_, at) => at % 2 === 1 && rawHeaders[at - 1]?.toLowerCase() === name);
}
