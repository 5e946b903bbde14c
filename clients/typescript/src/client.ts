import { ClavigerError } from "./error.js";
import { isVerdict, type Problem, type Question, type Verdict } from "./verdict.js";

/** How a client asks. */
export interface ClientOptions {
  /** The doors, such as `http://127.0.0.1:7601`. */
  url: string;
  /** The key that holds `claviger-verify`, sent as `X-Claviger-Door`. Doors that others can reach need it. */
  doorToken?: string | undefined;
  /** The API of questions that name none, by slug or id. */
  api?: string | undefined;
  /** How long a question may take, retries and waits included; 2000 if not given. */
  deadlineMs?: number | undefined;
  /**
   * How often to ask again where the connection fails or the server answers 503; 2 if not given. A question whose answer was lost is
   * asked again too: its limits may be taken twice then.
   */
  retries?: number | undefined;
  /** In the place of the global `fetch`. It must follow no redirect when told so. */
  fetch?: typeof fetch | undefined;
}

/** The most bytes of an answer: a hundred verdicts with all that a key can carry. */
const ANSWER_BYTES_MAX = 4 << 20;
/** The wait before the first retry, which doubles with each, and the longest one of our own accord. */
const [FIRST_MS, LONGEST_MS] = [25, 400];

/**
 * Asks one server. Make one for your program: `fetch` uses its connections again. Nothing is cached: each question is asked, and a key
 * that is taken out of service is refused from that moment on.
 */
export class Client {
  readonly #base: string;
  readonly #headers: Headers;
  readonly #api: string | undefined;
  readonly #deadlineMs: number;
  readonly #retries: number;
  readonly #fetch: typeof fetch;

  constructor(options: ClientOptions) {
    this.#base = baseOf(options.url);
    this.#headers = headersOf(options.doorToken);
    this.#api = options.api;
    this.#deadlineMs = options.deadlineMs ?? 2000;
    this.#retries = options.retries ?? 2;
    this.#fetch = options.fetch ?? ((input, init) => fetch(input, init));
  }

  /**
   * The verdict on a question. One that comes is no permission: ask `isAllowed`.
   *
   * @throws {ClavigerError} if there is no verdict.
   */
  async verify(question: Question): Promise<Verdict> {
    const answer = await this.#ask("/v1/verify", this.#withApi(question));
    if (!isVerdict(answer)) throw unexpected("no verdict in it");
    return answer;
  }

  /**
   * The verdicts on up to 100 questions, in their order; a malformed one is a problem at its place, without `valid`.
   *
   * @throws {ClavigerError} if there are no verdicts.
   */
  async verifyBatch(questions: readonly Question[]): Promise<(Verdict | Problem)[]> {
    if (questions.length === 0) return [];
    const answers = await this.#ask("/v1/verify/batch", questions.map((question) => this.#withApi(question)));
    if (!Array.isArray(answers)) throw unexpected("no verdicts in it");
    if (answers.length !== questions.length) {
      throw unexpected(`${answers.length} answers to ${questions.length} questions`);
    }
    if (!answers.every((answer) => isVerdict(answer) || isProblem(answer))) throw unexpected("no verdicts in it");
    return answers;
  }

  #withApi(question: Question): Question {
    return { ...question, api: question.api ?? this.#api };
  }

  /** Asks until there is an answer, no hope, or no time. */
  async #ask(path: string, question: unknown): Promise<unknown> {
    const body = JSON.stringify(question);
    const end = performance.now() + this.#deadlineMs;
    const deadline = new AbortController();
    const timer = setTimeout(() => deadline.abort(), this.#deadlineMs);
    try {
      for (let tries = 0; ; tries += 1) {
        try {
          return await this.#askOnce(path, body, deadline.signal);
        } catch (caught) {
          const error = caught instanceof ClavigerError ? caught : broken(caught, deadline.signal);
          const wait = waitBefore(error, tries, Math.random());
          if (wait === undefined || tries >= this.#retries || performance.now() + wait >= end) throw error;
          await new Promise((resolve) => setTimeout(resolve, wait));
        }
      }
    } finally {
      clearTimeout(timer);
    }
  }

  async #askOnce(path: string, body: string, signal: AbortSignal): Promise<unknown> {
    const answer = await this.#fetch(this.#base + path, {
      method: "POST",
      headers: this.#headers,
      body,
      signal,
      // A key goes to no other place than the one that was named.
      redirect: "manual",
      cache: "no-store",
      credentials: "omit",
    });
    const text = await textOf(answer);
    if (answer.status === 200) return read(text);
    throw refused(answer, text);
  }
}

/** How long to wait before the retry after `tries` of them; half of our own wait is chance. What the server asks for is never cut. */
export function waitBefore(error: ClavigerError, tries: number, dice: number): number | undefined {
  const own = Math.min(FIRST_MS * 2 ** tries, LONGEST_MS) * (0.5 + dice / 2);
  if (error.kind === "unreachable") return own;
  if (error.kind === "busy") return (error.retryAfterSeconds ?? 0) * 1000 + own;
  return undefined;
}

/** The URL without a slash at its end. */
function baseOf(url: string): string {
  let parsed: URL;
  try {
    parsed = new URL(url);
  } catch {
    throw new TypeError("the doors' URL is no URL");
  }
  if (parsed.protocol !== "http:" && parsed.protocol !== "https:") {
    throw new TypeError("the doors' URL must begin with http:// or https://");
  }
  if (parsed.username || parsed.password) throw new TypeError("the doors' URL must name no user");
  if (parsed.search || parsed.hash) throw new TypeError("the doors' URL must have no query and no fragment");
  return parsed.origin + parsed.pathname.replace(/\/+$/, "");
}

function headersOf(doorToken: string | undefined): Headers {
  const headers = new Headers({ "Content-Type": "application/json" });
  try {
    if (doorToken) headers.set("X-Claviger-Door", doorToken);
  } catch {
    // The cause would name the token.
    throw new TypeError("the door token has characters that no header can have");
  }
  return headers;
}

/** The body, up to a limit. */
async function textOf(answer: Response): Promise<string> {
  if (!answer.body) return "";
  const reader = answer.body.getReader();
  const decoder = new TextDecoder();
  let [text, bytes] = ["", 0];
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return text + decoder.decode();
    bytes += value.byteLength;
    if (bytes > ANSWER_BYTES_MAX) {
      await reader.cancel();
      throw unexpected("it is too long");
    }
    text += decoder.decode(value, { stream: true });
  }
}

function read(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // What stands in the answer is not repeated: it could be anything.
    throw unexpected("no JSON");
  }
}

/** What an answer that is no verdict means. */
function refused(answer: Response, text: string): ClavigerError {
  const problem = problemOf(text);
  if (answer.status === 503) {
    const seconds = /^\d{1,9}$/.exec(answer.headers.get("Retry-After") ?? "");
    const retryAfterSeconds = seconds ? Number(seconds[0]) : undefined;
    return new ClavigerError("busy", "Claviger gives no verdicts at the moment", { retryAfterSeconds, problem });
  }
  if (answer.status === 400 || answer.status === 413) {
    return new ClavigerError("malformed", `Claviger refuses the question: ${problem?.detail ?? answer.status}`, { problem });
  }
  if (answer.status === 403 && problem?.code === "door_token") {
    return new ClavigerError("door_token", `Claviger refuses the door token: ${problem.detail}`, { problem });
  }
  return unexpected(`status ${answer.status}`);
}

function problemOf(text: string): Problem | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return isProblem(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function isProblem(value: unknown): value is Problem {
  return typeof value === "object" && value !== null && typeof (value as Problem).code === "string" && !("valid" in value);
}

function unexpected(what: string): ClavigerError {
  return new ClavigerError("unexpected", `unexpected answer from Claviger's doors: ${what}`);
}

/** What `fetch` throws: the deadline's end, or a connection that failed. */
function broken(caught: unknown, deadline: AbortSignal): ClavigerError {
  if (deadline.aborted) return new ClavigerError("deadline", "Claviger's doors did not answer within the deadline");
  const cause = (caught as { cause?: { code?: unknown } } | undefined)?.cause?.code;
  const why = typeof cause === "string" ? cause : "the connection failed";
  return new ClavigerError("unreachable", `Claviger's doors cannot be reached: ${why}`);
}
