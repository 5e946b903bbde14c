/** Middleware for Hono, on Node and wherever else it runs. */

import { rawLines, type Guard, type Passed } from "./guard.js";
import type { HeaderLines } from "./sources.js";

export interface HonoContext {
  req: { method: string; raw: Request };
  res: Response;
  env: unknown;
  set(key: "claviger", value: Passed): void;
  header(name: string, value: string): void;
}

/** What a context of a service with this middleware holds: `new Hono<{ Variables: ClavigerVariables }>()`. */
export interface ClavigerVariables {
  claviger: Passed;
}

/** How the middleware reads a request. */
export interface HonoOptions<C> {
  /** Who is connected, as your runtime says it (Hono's `getConnInfo`). On Node it is known by itself. */
  peer?: (context: C) => string | undefined;
}

/** The request of Node, where Hono runs on Node. */
interface Incoming {
  url?: string;
  rawHeaders?: string[];
  socket?: { remoteAddress?: string };
}

/** Lets on who may pass, with `c.get("claviger")` (a `Passed`), and answers everybody else. */
export function claviger<C extends HonoContext>(guard: Guard, options: HonoOptions<C> = {}) {
  return async (context: C, next: () => Promise<void>): Promise<Response | void> => {
    const incoming = (context.env as { incoming?: Incoming } | undefined)?.incoming;
    const peer = options.peer ? options.peer(context) : incoming?.socket?.remoteAddress;
    const target = incoming?.url ?? targetOf(context.req.raw.url);
    const outcome = await guard.judge({ method: context.req.method, target, lines: linesOf(context.req.raw, incoming), peer });
    if (!outcome.passes) {
      return new Response(JSON.stringify(outcome.problem), { status: outcome.status, headers: outcome.headers });
    }
    context.set("claviger", outcome);
    await next();
    for (const [name, value] of outcome.headers) context.header(name, value);
  };
}

/** Path and query behind scheme and host. `Request` has normalised them: the service sees nothing else either. */
function targetOf(url: string): string {
  const { pathname, search } = new URL(url);
  return pathname + search;
}

/** As they came; `Headers` joins lines of one name, and what is joined is no key. */
function linesOf(request: Request, incoming: Incoming | undefined): HeaderLines {
  if (incoming?.rawHeaders) return rawLines(incoming.rawHeaders);
  return (name) => {
    const value = request.headers.get(name);
    return value === null ? [] : [value];
  };
}
