/** Where a request's key may stand, as the API in Claviger says, and what a client is told of it. */

import type { Question } from "./verdict.js";

/** All lines of a header, by its name in small letters. */
export type HeaderLines = (name: string) => readonly string[];

const BASIC = 'Basic realm="claviger", charset="UTF-8"';
const BEARER = 'Bearer realm="claviger"';
const SCHEMES = ["basic", "bearer", "x-api-key"];

export class Sources {
  readonly #words: Set<string>;
  /** A header of the API's own. */
  readonly #own: string | undefined;

  /** The same words as the API's `credential_sources`, but for the query, which gets into logs. */
  constructor(words: readonly string[]) {
    this.#words = new Set(words.map((word) => word.toLowerCase()));
    const own = [...this.#words].filter((word) => !SCHEMES.includes(word));
    if (own.length > 1) throw new TypeError("one header of an API's own is read at most");
    for (const name of own) {
      if (!/^[a-z0-9-]{1,64}$/.test(name)) throw new TypeError(`${name} is no header`);
    }
    this.#own = own[0];
  }

  /**
   * What stands there, as the question takes it, and the token of an API user, which stands in `X-Token` alone; without a key
   * an empty credential, which the server calls missing. `undefined` where a header stands there twice, with two values: nobody has to
   * guess which one is meant.
   */
  read(lines: HeaderLines): Question | undefined {
    const names = [this.#words.has("basic") || this.#words.has("bearer") ? "authorization" : undefined];
    names.push(this.#words.has("x-api-key") ? "x-api-key" : undefined, this.#own, "x-token");
    const values = names.map((name) => (name === undefined ? [] : [...new Set(lines(name))]));
    if (values.some((all) => all.length > 1)) return undefined;
    const [authorization, x_api_key, credential, x_token] = values.map((all) => all[0]);
    const accepted = authorization !== undefined && this.#takes(authorization) ? authorization : undefined;
    const none = accepted === undefined && x_api_key === undefined && credential === undefined;
    return { authorization: accepted, x_api_key, x_token, credential: none ? "" : credential };
  }

  /** Whether a value of `Authorization` has a scheme that is read. */
  #takes(value: string): boolean {
    const scheme = value.trimStart().split(/\s/)[0]?.toLowerCase();
    return this.#words.has(scheme === "bearer" ? "bearer" : "basic");
  }

  /** By which schemes to try again. Keys in a header have no registered one, so theirs stands only where there is no other. */
  challenges(isMissing: boolean): string[] {
    const challenges = [];
    if (this.#words.has("basic")) challenges.push(BASIC);
    if (this.#words.has("bearer")) challenges.push(isMissing ? BEARER : `${BEARER}, error="invalid_token"`);
    if (challenges.length > 0) return challenges;
    return [...this.#words].map((name) => `ApiKey realm="claviger", in="${name}"`);
  }

  /** What a key that may not do this is told. */
  scopeChallenge(): string | undefined {
    return this.#words.has("bearer") ? `${BEARER}, error="insufficient_scope"` : undefined;
  }
}
