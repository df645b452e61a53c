// Makes a component of a handler in TypeScript or JavaScript:
//
//   node build.mjs PROJECT [--wit FOLDER] [--work FOLDER] [--out FILE]
//
// PROJECT holds `src/handler.ts` or `src/handler.js`, which exports one or more of `messageHandler`, `draftHandler`,
// `receiptHandler` and `timerHandler`. The steps: types from the contract, a check of the sources against them, one
// module of all sources, a world of just what that module imports and exports, and a component of it with QuickJS.

import { componentize } from "componentize-qjs";
import { build as bundle } from "esbuild";
import { spawnSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { basename, dirname, join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { parseArgs } from "node:util";
import { settled } from "./settle.mjs";
import { contractOf, writeTypes } from "./types.mjs";

/** What a module may export, and the interface that it then offers. */
const INTERFACES = {
  messageHandler: "message-handler",
  draftHandler: "draft-handler",
  receiptHandler: "receipt-handler",
  timerHandler: "timer-handler",
};
/** Where what QuickJS brings of WASI has a hole. */
const RANDOM = "wasi:random/insecure@0.2.12";
const KIT = dirname(fileURLToPath(import.meta.url));

/** What the project's author has to mend. */
class Complaint extends Error {}

try {
  await main();
} catch (error) {
  console.error(error instanceof Complaint ? error.message : error);
  process.exitCode = 1;
}

async function main() {
  const options = { wit: { type: "string" }, work: { type: "string" }, out: { type: "string" } };
  const { values, positionals } = parseArgs({ options, allowPositionals: true });
  const project = resolve(positionals[0] ?? ".");
  const wit = resolve(values.wit ?? join(project, "wit"));
  const work = resolve(values.work ?? join(project, "build"));
  const out = resolve(values.out ?? join(work, `${basename(project)}.wasm`));
  const entry = ["src/handler.ts", "src/handler.js"].map((file) => join(project, file)).find(existsSync);
  if (!entry) throw new Complaint(`${project} has neither src/handler.ts nor src/handler.js`);

  mkdirSync(work, { recursive: true });
  const contract = contractOf(wit);
  await writeTypes(contract, join(work, "types"));
  check(entry, contract, work);
  const handlers = await exportsOf(entry);
  const module = await bundled(entry, handlers);
  const world = layOutWorld(contract, wit, handlers, module.imports, work);
  // Stacks in the handler's log are those of this file.
  const jsPath = join(work, "handler.js");
  writeFileSync(jsPath, module.code);
  const js = { jsSource: module.code, jsPath, moduleRoot: work };
  // The larger of the engine's two builds: it takes half as long again to compile, once, and a quarter less for each event.
  const made = await componentize({ ...js, witPath: world, sync: true, optSize: false });
  const component = settled(made.component);
  if (component.length === made.component.length) {
    console.warn("the function table stays where the engine's build has it: every event will take longer (settle.mjs)");
  }
  mkdirSync(dirname(out), { recursive: true });
  writeFileSync(out, component);
  console.log(`${relative(process.cwd(), out)}: ${component.length} bytes, ${handlers.join(", ")}`);
}

/** The TypeScript compiler's verdict on the sources, JavaScript ones too. */
function check(entry, contract, work) {
  const verdict = [
    `import * as handler from ${JSON.stringify(entry)};`,
    `export const checked: Partial<typeof import("${contract.package}/handler@${contract.version}")> = handler;`,
  ];
  writeFileSync(join(work, "check.ts"), `${verdict.join("\n")}\n`);
  const config = { extends: join(KIT, "tsconfig.json"), files: ["check.ts", "types/handler.d.ts"] };
  writeFileSync(join(work, "tsconfig.json"), JSON.stringify(config));
  const require = createRequire(import.meta.url);
  const compiler = require.resolve("typescript/package.json");
  const program = join(dirname(compiler), require(compiler).bin.tsc);
  const ended = spawnSync(process.execPath, [program, "--project", work, "--pretty", "false"], { encoding: "utf8" });
  if (ended.error) throw ended.error;
  if (ended.status !== 0) throw new Complaint(`the sources don't fit their types:\n${ended.stdout}${ended.stderr}`);
}

async function exportsOf(entry) {
  const { metafile } = await bundle({ ...settings(), entryPoints: [entry], outfile: "handler.js" });
  const names = metafile.outputs["handler.js"].exports;
  const strangers = names.filter((name) => !(name in INTERFACES));
  if (names.length === 0 || strangers.length > 0) {
    const known = Object.keys(INTERFACES).join(", ");
    const found = strangers.length > 0 ? `exports ${strangers.join(", ")}` : "exports nothing";
    throw new Complaint(`${entry} ${found}; a handler exports one or more of ${known}, and nothing else`);
  }
  return names.sort();
}

/** One module of all sources, its exports wrapped by `guard.ts`. */
async function bundled(entry, handlers) {
  const lines = [
    `import { guarded } from ${JSON.stringify(join(KIT, "guard.ts"))};`,
    `import * as handler from ${JSON.stringify(entry)};`,
    ...handlers.map((name) => `export const ${name} = guarded(handler.${name});`),
  ];
  const stdin = { contents: lines.join("\n"), resolveDir: dirname(entry), sourcefile: "entry.js" };
  const { metafile, outputFiles } = await bundle({ ...settings(), stdin, outfile: "handler.js" });
  const imports = metafile.outputs["handler.js"].imports.filter((one) => one.external).map((one) => one.path);
  const code = outputFiles[0].text;
  // QuickJS seeds Math.random once, and that state becomes a part of the component: every event would get the same
  // numbers. WASI's are the event's own.
  if (!code.includes("Math.random")) return { code, imports };
  return { code: `${chance()}${code}`, imports: [...imports, RANDOM] };
}

function chance() {
  return [
    `import { getInsecureRandomBytes } from "${RANDOM}";`,
    "Math.random = () => getInsecureRandomBytes(6).reduce((sum, byte) => sum * 256 + byte, 0) / 2 ** 48;",
    "",
  ].join("\n");
}

function settings() {
  return {
    bundle: true,
    write: false,
    metafile: true,
    format: "esm",
    platform: "neutral",
    target: "es2024",
    charset: "utf8",
    logLevel: "warning",
    // What the host gives is linked, not bundled.
    external: ["signalbox:*", "wasi:*"],
  };
}

/** A WIT package whose only world is what the module needs, with the contract below it. */
function layOutWorld(contract, wit, handlers, imports, work) {
  const folder = join(work, "wit");
  rmSync(folder, { recursive: true, force: true });
  cpSync(wit, join(folder, "deps/contract"), { recursive: true, filter: (path) => basename(path) !== "deps" });
  if (existsSync(join(wit, "deps"))) cpSync(join(wit, "deps"), join(folder, "deps"), { recursive: true });
  if (imports.includes(RANDOM)) cpSync(join(KIT, "random.wit"), join(folder, "deps/random.wit"));
  const lines = [
    ...[...new Set(imports)].sort().map((name) => `    import ${name};`),
    ...handlers.map((name) => `    export ${contract.package}/${INTERFACES[name]}@${contract.version};`),
  ];
  writeFileSync(join(folder, "world.wit"), `package local:handler;\n\nworld component {\n${lines.join("\n")}\n}\n`);
  return folder;
}
