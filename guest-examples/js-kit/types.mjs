// Types of the contract, in `declare module` blocks: `signalbox:messaging/state@0.1.0` and its like.

import { $init, generateTypes } from "@bytecodealliance/jco-transpile/component";
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";

/** The contract in a folder: its package's name and version, and its files as one text. */
export function contractOf(folder) {
  const files = readdirSync(folder).filter((file) => file.endsWith(".wit")).sort();
  const texts = files.map((file) => readFileSync(join(folder, file), "utf8"));
  const opening = /^package ([a-z0-9:-]+)@([0-9A-Za-z.+-]+);$/m;
  const found = texts.map((text) => opening.exec(text)).find(Boolean);
  if (!found) throw new Error(`${folder} holds no WIT package: vendor the contract there`);
  const body = texts.map((text) => text.replace(opening, "")).join("\n");
  return { package: found[1], version: found[2], text: `package ${found[1]}@${found[2]};\n${body}` };
}

/** Writes them below a folder; `handler.d.ts` refers to the rest. */
export async function writeTypes(contract, into) {
  await $init;
  const files = generateTypes("handler", {
    wit: { tag: "source", val: contract.text },
    world: "handler",
    guest: true,
    features: { tag: "list", val: [] },
    asyncMode: { tag: "sync" },
  });
  rmSync(into, { recursive: true, force: true });
  for (const [name, bytes] of files) {
    const path = join(into, name);
    mkdirSync(dirname(path), { recursive: true });
    writeFileSync(path, asQuickJs(Buffer.from(bytes).toString("utf8")));
  }
}

/**
 * jco's types are those of its own glue. QuickJS's glue differs in two ways: 64-bit integers are numbers (a bigint
 * traps), and what isn't there is null.
 */
function asQuickJs(types) {
  const lines = types.split("\n").map((line) => {
    if (/^\s*(\*|\/\*)/.test(line)) return line;
    return line
      .replace(/\bbigint\b/g, "number")
      .replace(/\| undefined\b/g, "| null")
      .replace(/^(\s+\w+)\?: (.*),$/, "$1: $2 | null,");
  });
  return lines.join("\n");
}
