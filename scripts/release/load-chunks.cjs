// The first script of the single executable. The program lies beside it in the same chunks as in the npm
// package, and each is compiled when it is first needed: a command pays for what it uses.
const { getAsset } = require("node:sea");
const { posix } = require("node:path");
const { compileFunction } = require("node:vm");

const modules = new Map();

function load(file) {
  const loaded = modules.get(file);
  if (loaded !== undefined) return loaded.exports;
  const module = { exports: {} };
  modules.set(file, module);
  const requireFrom = (name) =>
    name.startsWith(".") ? load(posix.join(posix.dirname(file), name)) : require(name);
  const run = compileFunction(getAsset(file, "utf8"), ["exports", "require", "module"], {
    filename: file,
  });
  run(module.exports, requireFrom, module);
  return module.exports;
}

load("scb-mirror.cjs");
