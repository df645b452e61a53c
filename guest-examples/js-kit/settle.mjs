// Moves a component's function table to where most of its functions are.
//
// QuickJS is linked as a library is: the table lies in a small module of its own, and the engine's module puts its some
// eight hundred functions into it whenever an instance is made, which is for every event, and takes longer than all the
// rest of it. Where a module's table is its own, what is in it is known from the start, and nothing is put there until it
// is called. So the engine's module gets the table, and the modules after it take it from there. The component does the
// same as before.

/** Sections of a component, and of a module. */
const CORE_MODULE = 1;
const CORE_INSTANCE = 2;
const COMPONENT = 4;
const ALIAS = 6;
const [IMPORT, TABLE, GLOBAL, EXPORT, ELEMENT] = [2, 4, 6, 7, 9];
/** Sections that come before that of the tables. */
const BEFORE_TABLES = [0, 1, 2, 3];
/** Sorts of things in the core. */
const [AS_FUNCTION, AS_TABLE, AS_MEMORY, AS_GLOBAL] = [0, 1, 2, 3];
const AS_MODULE = 0x11;
const AS_INSTANCE = 0x12;
/** Instructions of constants. */
const [I32_CONST, GLOBAL_GET, END] = [0x41, 0x23, 0x0b];
/** What the table is exported as, and the argument by which it is passed on. */
const NAME = "settled-table";

/** A component whose table is settled, or the same one if it isn't laid out so that it can be. */
export function settled(component) {
  const sections = sectionsOf(component).map(({ id, body }) => ({ id, body: id === COMPONENT ? settled(body) : body }));
  const parts = partsOf(sections);
  const plan = parts && planOf(parts);
  if (plan) carryOut(plan, parts);
  return joined(component, sections);
}

/** Modules, core instances, and what aliases of the core stand for. Nothing if modules come from elsewhere. */
function partsOf(sections) {
  const parts = { modules: [], instances: [], instanceSections: [], tables: [], globals: [] };
  for (const section of sections) {
    if (section.id === CORE_MODULE) parts.modules.push({ section, ...moduleOf(section.body) });
    if (section.id === CORE_INSTANCE) {
      const instances = instancesOf(section.body);
      parts.instanceSections.push({ section, instances });
      parts.instances.push(...instances);
    }
    if (section.id === ALIAS && !addAliases(section.body, parts)) return null;
  }
  return parts;
}

function moduleOf(body) {
  const sections = sectionsOf(body);
  const find = (id) => sections.find((section) => section.id === id)?.body;
  return { body, sections, imports: importsOf(find(IMPORT)), elements: find(ELEMENT) };
}

/** Who gets the table, how long it is, where its part of it begins, and who else uses it. */
function planOf(parts) {
  const { modules, instances } = parts;
  const importTable = (module) => module.imports.filter((one) => one.kind === AS_TABLE);
  const candidates = modules.filter((module) => module.elements && importTable(module).length === 1);
  candidates.sort((a, b) => b.elements.length - a.elements.length);
  const [owner] = candidates;
  if (!owner || owner.sections.some(({ id }) => id === TABLE)) return null;
  const made = instances.filter((one) => modules[one.module] === owner);
  if (made.length !== 1) return null;
  const at = instances.indexOf(made[0]);
  const table = sourceOf(importTable(owner)[0], made[0], parts);
  const home = table && modules[instances[table.instance].module];
  // What its home puts into it would have to be put there still.
  if (!home || home.elements) return null;
  const limits = tableOf(home, table.name);
  const elements = settledElements(owner, made[0], parts);
  if (!limits || !elements) return null;
  const users = [];
  for (const [index, instance] of instances.entries()) {
    for (const one of modules[instance.module]?.imports ?? []) {
      const source = one.kind === AS_TABLE && instance !== made[0] ? sourceOf(one, instance, parts) : null;
      if (source?.instance !== table.instance || source.name !== table.name) continue;
      if (index < at) return null;
      users.push({ instance, one });
    }
  }
  return { owner, at, import: importTable(owner)[0], limits, elements, users };
}

function carryOut(plan, parts) {
  const { owner, at, limits, elements, users } = plan;
  const bodies = owner.sections.map(({ id, body }) => {
    if (id === IMPORT) return { id, body: vector(owner.imports.filter((one) => one !== plan.import).map((one) => one.bytes)) };
    if (id === EXPORT) return { id, body: withExport(body) };
    return { id, body: id === ELEMENT ? elements : body };
  });
  const place = bodies.findIndex(({ id }) => !BEFORE_TABLES.includes(id));
  bodies.splice(place, 0, { id: TABLE, body: vector([limits]) });
  owner.section.body = joined(owner.body, bodies);
  for (const { instance, one } of users) {
    instance.args.push({ name: NAME, instance: at });
    const type = one.bytes.subarray(text(one.from).length + text(one.name).length);
    one.bytes = bytesOf([text(NAME), text(NAME), type]);
    const module = parts.modules[instance.module];
    const imports = vector(module.imports.map((each) => each.bytes));
    const renamed = module.sections.map(({ id, body }) => ({ id, body: id === IMPORT ? imports : body }));
    module.section.body = joined(module.body, renamed);
  }
  for (const { section, instances } of parts.instanceSections) section.body = vector(instances.map(instanceBytes));
}

/** The instance, and the name there, that an instance's import is taken from. */
function sourceOf({ from, name }, instance, { instances, tables, globals }) {
  const given = instance.args.find((arg) => arg.name === from)?.instance;
  const giver = instances[given];
  if (!giver?.exports) return giver ? { instance: given, name } : null;
  const exported = giver.exports.find((one) => one.name === name);
  return (exported?.kind === AS_TABLE ? tables : globals)[exported?.index] ?? null;
}

/** The element segments with their places written out; nothing if one isn't known. */
function settledElements(owner, instance, parts) {
  const reader = new Reader(owner.elements);
  const globals = owner.imports.filter((one) => one.kind === AS_GLOBAL);
  const segments = reader.vector(() => {
    if (reader.number() !== 0) return null;
    const [instruction, operand] = [reader.byte(), reader.number()];
    const base = instruction === GLOBAL_GET && globals[operand] ? constantOf(globals[operand], instance, parts) : null;
    if (base === null || reader.byte() !== END) return null;
    const functions = reader.taken(() => reader.vector(() => reader.number()));
    return bytesOf([[0, I32_CONST], signed(base), [END], functions]);
  });
  return segments.includes(null) ? null : vector(segments);
}

/** What an imported global always is; nothing if it may change. */
function constantOf(imported, instance, parts) {
  const source = sourceOf(imported, instance, parts);
  const home = source && parts.modules[parts.instances[source.instance].module];
  const body = home?.sections.find(({ id }) => id === GLOBAL)?.body;
  const index = home && exportOf(home, source.name, AS_GLOBAL);
  if (!body || index === null || home.imports.some((one) => one.kind === AS_GLOBAL)) return null;
  const reader = new Reader(body);
  const values = reader.vector(() => {
    const [, isMutable, instruction] = [reader.byte(), reader.byte(), reader.byte()];
    if (instruction !== I32_CONST) throw new Error("a global that isn't a number");
    const value = reader.signed();
    reader.byte();
    return isMutable ? null : value;
  });
  return values[index] ?? null;
}

/** A table's type, as it is defined. */
function tableOf(module, name) {
  const index = exportOf(module, name, AS_TABLE);
  const body = module.sections.find(({ id }) => id === TABLE)?.body;
  if (!body || index !== 0 || module.imports.some((one) => one.kind === AS_TABLE)) return null;
  const reader = new Reader(body);
  const [first] = reader.vector(() => reader.taken(() => reader.tableType()));
  return first;
}

function exportOf(module, name, kind) {
  const body = module.sections.find(({ id }) => id === EXPORT)?.body;
  if (!body) return null;
  const reader = new Reader(body);
  const all = reader.vector(() => ({ name: reader.text(), kind: reader.byte(), index: reader.number() }));
  return all.find((one) => one.name === name && one.kind === kind)?.index ?? null;
}

function withExport(body) {
  const reader = new Reader(body);
  const all = reader.vector(() => reader.taken(() => [reader.text(), reader.byte(), reader.number()]));
  return vector([...all, bytesOf([text(NAME), [AS_TABLE], unsigned(0)])]);
}

function importsOf(body) {
  if (!body) return [];
  const reader = new Reader(body);
  return reader.vector(() => {
    const one = {};
    one.bytes = reader.taken(() => {
      Object.assign(one, { from: reader.text(), name: reader.text(), kind: reader.byte() });
      if (one.kind === AS_FUNCTION) reader.number();
      else if (one.kind === AS_TABLE) reader.tableType();
      else if (one.kind === AS_MEMORY) reader.limits();
      else if (one.kind === AS_GLOBAL) reader.skip(2);
      else throw new Error(`an import of kind ${one.kind}`);
    });
    return one;
  });
}

function instancesOf(body) {
  const reader = new Reader(body);
  return reader.vector(() => {
    if (reader.byte() !== 0) {
      return { exports: reader.vector(() => ({ name: reader.text(), kind: reader.byte(), index: reader.number() })) };
    }
    const module = reader.number();
    const args = reader.vector(() => {
      const name = reader.text();
      reader.skip(1);
      return { name, instance: reader.number() };
    });
    return { module, args };
  });
}

function instanceBytes({ module, args, exports }) {
  if (exports) return bytesOf([[1], vector(exports.map((one) => bytesOf([text(one.name), [one.kind], unsigned(one.index)])))]);
  const given = args.map(({ name, instance }) => bytesOf([text(name), [AS_INSTANCE], unsigned(instance)]));
  return bytesOf([[0], unsigned(module), vector(given)]);
}

/** Notes what aliases of the core's tables and globals stand for. */
function addAliases(body, { tables, globals }) {
  const reader = new Reader(body);
  const modules = reader.vector(() => {
    const sort = reader.byte();
    const inCore = sort === 0 ? reader.byte() : null;
    const target = reader.byte();
    const instance = reader.number();
    if (target === 2) {
      reader.number();
      return inCore === AS_MODULE;
    }
    const name = reader.text();
    if (inCore === AS_TABLE) tables.push({ instance, name });
    if (inCore === AS_GLOBAL) globals.push({ instance, name });
    return inCore === AS_MODULE;
  });
  return !modules.includes(true);
}

function sectionsOf(bytes) {
  const reader = new Reader(bytes, 8);
  const sections = [];
  while (!reader.isAtEnd()) sections.push({ id: reader.byte(), body: reader.bytes(reader.number()) });
  return sections;
}

/** Sections behind the eight bytes that a module or a component begins with. */
function joined(original, sections) {
  return bytesOf([original.subarray(0, 8), ...sections.flatMap(({ id, body }) => [[id], unsigned(body.length), body])]);
}

class Reader {
  #bytes;
  #at;

  constructor(bytes, at = 0) {
    this.#bytes = bytes;
    this.#at = at;
  }

  isAtEnd() {
    return this.#at >= this.#bytes.length;
  }

  byte() {
    if (this.isAtEnd()) throw new Error("a section ends too early");
    return this.#bytes[this.#at++];
  }

  skip(count) {
    this.#at += count;
  }

  bytes(length) {
    this.#at += length;
    return this.#bytes.subarray(this.#at - length, this.#at);
  }

  number() {
    let [value, shift, byte] = [0, 0, 0];
    do {
      byte = this.byte();
      value += (byte & 0x7f) * 2 ** shift;
      shift += 7;
    } while (byte & 0x80);
    return value;
  }

  signed() {
    let [value, shift, byte] = [0, 0, 0];
    do {
      byte = this.byte();
      value |= (byte & 0x7f) << shift;
      shift += 7;
    } while (byte & 0x80);
    return shift < 32 && byte & 0x40 ? value | (-1 << shift) : value;
  }

  text() {
    return new TextDecoder().decode(this.bytes(this.number()));
  }

  vector(read) {
    return Array.from({ length: this.number() }, () => read());
  }

  limits() {
    const hasMost = this.byte() & 1;
    this.number();
    if (hasMost) this.number();
  }

  tableType() {
    this.skip(1);
    this.limits();
  }

  /** The bytes that a reading takes. */
  taken(read) {
    const from = this.#at;
    read();
    return this.#bytes.subarray(from, this.#at);
  }
}

function bytesOf(parts) {
  return Buffer.concat(parts.map((part) => Buffer.from(part)));
}

function vector(items) {
  return bytesOf([unsigned(items.length), ...items]);
}

function text(value) {
  const bytes = new TextEncoder().encode(value);
  return bytesOf([unsigned(bytes.length), bytes]);
}

function unsigned(value) {
  const bytes = [];
  do {
    const rest = Math.floor(value / 128);
    bytes.push((value % 128) | (rest > 0 ? 0x80 : 0));
    value = rest;
  } while (value > 0);
  return Buffer.from(bytes);
}

function signed(value) {
  const bytes = [];
  for (;;) {
    const byte = value & 0x7f;
    value >>= 7;
    const isLast = (value === 0 && !(byte & 0x40)) || (value === -1 && byte & 0x40);
    bytes.push(isLast ? byte : byte | 0x80);
    if (isLast) return Buffer.from(bytes);
  }
}
