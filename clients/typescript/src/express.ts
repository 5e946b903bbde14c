/** Middleware for Express 4 and 5, and for whatever else hands on Node's requests and answers. */

import { rawLines, type Guard, type Passed } from "./guard.js";

export interface ExpressRequest {
  method?: string | undefined;
  url?: string | undefined;
  originalUrl?: string | undefined;
  rawHeaders: string[];
  socket: { remoteAddress?: string | undefined };
}

export interface ExpressResponse {
  statusCode: number;
  locals?: Record<string, unknown>;
  getHeader(name: string): unknown;
  setHeader(name: string, value: string | readonly string[]): unknown;
  end(body?: string): unknown;
}

/**
 * Lets on who may pass, with `res.locals.claviger` (a `Passed`), and answers everybody else. Put it before whatever reads bodies and
 * before routers.
 */
export function claviger(guard: Guard) {
  return (request: ExpressRequest, response: ExpressResponse, next: (error?: unknown) => void): void => {
    const target = request.originalUrl ?? request.url ?? "/";
    const facts = { method: request.method ?? "GET", target, lines: rawLines(request.rawHeaders), peer: request.socket.remoteAddress };
    guard.judge(facts).then((outcome) => {
      add(response, outcome.headers);
      if (outcome.passes) {
        response.locals ??= {};
        response.locals["claviger"] = outcome satisfies Passed;
        next();
        return;
      }
      response.statusCode = outcome.status;
      response.end(JSON.stringify(outcome.problem));
    }).catch(next);
  };
}

/** Adds headers; several of one name are several lines. */
function add(response: ExpressResponse, headers: readonly [string, string][]): void {
  for (const name of new Set(headers.map(([name]) => name))) {
    const values = headers.filter(([other]) => other === name).map(([, value]) => value);
    response.setHeader(name, values.length === 1 ? values[0] ?? "" : values);
  }
}
