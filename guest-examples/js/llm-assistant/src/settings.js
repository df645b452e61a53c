import * as settings from "signalbox:messaging/settings@0.1.0";
import { reject } from "../../../js-kit/errors.ts";

/**
 * A setting; `handler.toml` has a default for each.
 * @param {string} name
 */
export function setting(name) {
  const value = settings.get(name);
  if (value === null) throw reject(`the setting ${name} is missing`);
  return value;
}

/**
 * A setting that is a number.
 * @param {string} name
 */
export function number(name) {
  return Number(setting(name));
}
