import type { Problem } from "./verdict.js";

/**
 * - `unreachable`: the doors could not be reached, or the connection broke.
 * - `deadline`: no answer within the deadline.
 * - `busy`: the server gives no verdicts at the moment (503).
 * - `door_token`: the door token is missing or wrong (403).
 * - `malformed`: the question makes no sense to the server (400), as `problem.errors` says.
 * - `unexpected`: what answered is no door of Claviger, or one that this client does not understand; redirects are among these.
 */
export type ErrorKind = "unreachable" | "deadline" | "busy" | "door_token" | "malformed" | "unexpected";

/** Why there is no verdict. It says nothing of a credential. */
export class ClavigerError extends Error {
  override readonly name = "ClavigerError";
  readonly kind: ErrorKind;
  /** After how many seconds the server asks to come again. */
  readonly retryAfterSeconds: number | undefined;
  /** The refusal as the server words it. */
  readonly problem: Problem | undefined;

  constructor(kind: ErrorKind, message: string, more: { retryAfterSeconds?: number | undefined; problem?: Problem | undefined } = {}) {
    super(message);
    this.kind = kind;
    this.retryAfterSeconds = more.retryAfterSeconds;
    this.problem = more.problem;
  }

  /**
   * Whether the server is away or gives no verdicts: what fail-open is for. A wrong door token, a malformed question and a stranger's
   * answer are mistakes to mend, and let nobody pass.
   */
  get isOutage(): boolean {
    return this.kind === "unreachable" || this.kind === "deadline" || this.kind === "busy";
  }
}
