// Requests to calldex. Whatever changes something carries the token that only this page knows.

import { say } from "./texts.js";

/** There is no session. */
export class Signed extends Error {}

/** calldex answered with a failure, or not at all. */
export class Failure extends Error {
  constructor(status, message, retryAfter) {
    super(message);
    this.status = status;
    this.retryAfter = retryAfter;
  }
}

let csrf = "";

/** Why something could not be done, for people. */
export function reasonOf(failure) {
  if (failure instanceof Signed) return say("signed_out_elsewhere");
  if (failure.status === 0) return say("no_answer");
  return failure.message || String(failure.status ?? failure);
}

/** Asks calldex; answers the JSON of the reply, or null when it has none. */
export async function request(method, path, body) {
  const headers = { Accept: "application/json" };
  if (method !== "GET") headers["X-Csrf"] = csrf;
  if (body !== undefined) headers["Content-Type"] = "application/json";
  const options = { method, headers, credentials: "same-origin", cache: "no-store", redirect: "error" };
  if (body !== undefined) options.body = JSON.stringify(body);
  let reply;
  try {
    reply = await fetch(path, options);
  } catch {
    throw new Failure(0, "");
  }
  const content = await reply.json().catch(() => null);
  if (reply.ok) {
    if (content?.csrf) csrf = content.csrf;
    return content;
  }
  if (reply.status === 401 && path !== "/agent/session") throw new Signed();
  throw new Failure(reply.status, content?.error ?? "", Number(reply.headers.get("Retry-After")) || undefined);
}
