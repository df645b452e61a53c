// Around a handler's functions, put there by the build.

import { refusalIn } from "./errors.ts";

type Handler = Record<string, (event: never) => unknown>;

/**
 * A call that the host refuses, and that the handler doesn't catch, is a mistake of the handler: it is told as the
 * reason why the event is parked. Without this it would end as a trap that says nothing of it.
 */
export function guarded<H extends object>(handler: H): H {
  const functions = Object.entries(handler as Handler).map(([name, handle]) => [
    name,
    (event: never) => {
      try {
        const answer = handle.call(handler, event);
        return answer instanceof Promise ? answer.catch(raise) : answer;
      } catch (error) {
        return raise(error);
      }
    },
  ]);
  return Object.fromEntries(functions) as H;
}

function raise(error: unknown): never {
  const refusal = refusalIn(error);
  throw refusal ? { tag: "reject", val: `the host refused a call: ${refusal.val}` } : error;
}
