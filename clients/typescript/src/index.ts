export { Client, type ClientOptions } from "./client.js";
export { ClavigerError, type ErrorKind } from "./error.js";
export { Guard, type GuardOptions, type Passed, type RequestFacts } from "./guard.js";
export { type Refusal } from "./refusal.js";
export { type HeaderLines } from "./sources.js";
export {
  CODES,
  isAllowed,
  statusOf,
  type AllowedVerdict,
  type ApiUser,
  type Code,
  type Key,
  type Limit,
  type Problem,
  type Question,
  type RefusalCode,
  type RefusedVerdict,
  type Verdict,
  type VerdictBase,
} from "./verdict.js";
