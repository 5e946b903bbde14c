/** Whose request it is. A mistake here is a bypass of every list of addresses, so it is small and pure. */

import { BlockList, isIP } from "node:net";

/** The most entries of `X-Forwarded-For` that are walked. */
const HOPS_MAX = 32;

/** The proxies whose `X-Forwarded-For` is believed; without any the client is who is connected. */
export class TrustedProxies {
  readonly #ranges = new BlockList();

  /** Of addresses and networks such as `10.0.0.0/8`. */
  constructor(ranges: readonly string[]) {
    for (const range of ranges) {
      const [address = "", length, ...rest] = range.split("/");
      const family = isIP(address);
      const longest = family === 6 ? 128 : 32;
      const bits = length === undefined ? longest : /^\d{1,3}$/.test(length) ? Number(length) : NaN;
      if (family === 0 || rest.length > 0 || address.includes("%") || !(bits <= longest)) {
        throw new TypeError(`${range} is no address and no network`);
      }
      this.#ranges.addSubnet(address, bits, family === 6 ? "ipv6" : "ipv4");
    }
  }

  /**
   * The client's address; `undefined` where it cannot be told; nothing is guessed.
   *
   * The entry at the right was written by the peer, each one further left by the proxy right of it: one is believed only while
   * everything right of it is trusted. Two lines of the header could be of two writers, and are not read.
   */
  client(peer: string | undefined, lines: readonly string[]): string | undefined {
    const from = peer === undefined ? undefined : canonical(peer.split("%")[0] ?? "");
    const [list, another] = lines;
    if (from === undefined || list === undefined || !this.#trusts(from)) return from;
    if (another !== undefined) return undefined;
    let client: string | undefined;
    for (const [hop, entry] of list.split(",").reverse().entries()) {
      client = hop < HOPS_MAX ? read(entry) : undefined;
      if (client === undefined || !this.#trusts(client)) break;
    }
    return client;
  }

  #trusts(address: string): boolean {
    return this.#ranges.check(address, isIP(address) === 6 ? "ipv6" : "ipv4");
  }
}

/** One entry as proxies write it: bare, with a port, in brackets. */
function read(entry: string): string | undefined {
  const text = entry.trim();
  const [, inner, port] = /^\[([0-9a-fA-F:.]+)\](?::(\d{1,5}))?$/.exec(text) ?? /^([0-9.]+):(\d{1,5})$/.exec(text) ?? [];
  if (inner === undefined) return canonical(text);
  if (Number(port ?? 0) > 65_535 || text.startsWith("[") !== (isIP(inner) === 6)) return undefined;
  return canonical(inner);
}

/** One spelling of an address; a mapped IPv4 address becomes IPv4. */
function canonical(text: string): string | undefined {
  const family = isIP(text);
  if (family === 4) return text;
  if (family === 0 || text.includes("%")) return undefined;
  const address = new URL(`http://[${text}]`).hostname.slice(1, -1);
  const mapped = /^::ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})$/.exec(address);
  if (!mapped) return address;
  const [high, low] = [parseInt(mapped[1] ?? "", 16), parseInt(mapped[2] ?? "", 16)];
  return [high >> 8, high & 255, low >> 8, low & 255].join(".");
}
