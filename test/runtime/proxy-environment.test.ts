import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { namesProxy, proxyFor } from "../../src/runtime/proxy-environment.ts";

const proxy = "http://proxy.example:3128";
const https = "https://bucket.s3.example.com/";
const http = "http://10.1.2.3:9000/";

type Case = readonly [
  name: string,
  environment: Readonly<Record<string, string>>,
  target: string,
  expected: string | null,
];

const cases: readonly Case[] = [
  ["nothing is set", {}, https, null],
  ["HTTPS_PROXY", { HTTPS_PROXY: proxy }, https, "proxy.example:3128 (HTTPS_PROXY)"],
  ["https_proxy", { https_proxy: proxy }, https, "proxy.example:3128 (https_proxy)"],
  ["HTTPS_PROXY is not for http", { HTTPS_PROXY: proxy }, http, null],
  ["HTTP_PROXY", { HTTP_PROXY: proxy }, http, "proxy.example:3128 (HTTP_PROXY)"],
  ["ALL_PROXY", { ALL_PROXY: "socks5h://127.0.0.1:9050" }, http, "127.0.0.1:9050 (ALL_PROXY)"],
  [
    "its own before ALL_PROXY",
    { ALL_PROXY: "http://a:1", https_proxy: "http://b:1" },
    https,
    "b:1",
  ],
  ["lower case first", { HTTPS_PROXY: "http://a:1", https_proxy: "http://b:1" }, https, "b:1"],
  ["empty is not set", { https_proxy: " ", HTTPS_PROXY: "http://a:1" }, https, "a:1"],
  ["no scheme", { HTTPS_PROXY: "proxy:3128" }, https, "proxy:3128"],
  [
    "credentials aren't in its name",
    { HTTPS_PROXY: "http://me:pw@a:1" },
    https,
    "a:1 (HTTPS_PROXY)",
  ],
  ["an IPv6 address", { ALL_PROXY: "socks5://[::1]:1080" }, https, "[::1]:1080"],
];

const exemptions: readonly (readonly [list: string, target: string, isExempt: boolean])[] = [
  ["*", https, true],
  ["bucket.s3.example.com", https, true],
  ["s3.example.com", https, true],
  [".s3.example.com", https, true],
  ["*.s3.example.com", https, true],
  ["S3.Example.Com", https, true],
  ["other, s3.example.com", https, true],
  ["other s3.example.com:443", https, true],
  ["s3.example.com:8443", https, false],
  ["3.example.com", https, false],
  ["example.org,,", https, false],
  [".", https, false],
  ["10.1.2.3", http, true],
  ["10.1.2.3:9000", http, true],
  ["10.1.2.3:80", http, false],
  ["10.0.0.0/8", http, true],
  ["10.0.0.0/16", http, false],
  ["10.0.0.0/99", http, false],
  ["fd00::/8", "http://[fd00::5]:9000/", true],
  ["[fd00::5]:9000", "http://[fd00::5]:9000/", true],
  ["fd00::5", "http://[fd00::5]:9000/", true],
  ["fd00::/8", http, false],
];

describe("proxyFor", () => {
  for (const [name, environment, target, expected] of cases) {
    it(name, () => {
      const found = proxyFor(new URL(target), environment);
      if (expected === null) assert.equal(found, null);
      else assert.ok(found?.name.startsWith(expected), found?.name);
    });
  }
  for (const [list, target, isExempt] of exemptions) {
    it(`NO_PROXY=${list} ${isExempt ? "keeps" : "leaves"} ${target}`, () => {
      const found = proxyFor(new URL(target), { ALL_PROXY: proxy, NO_PROXY: list });
      assert.equal(found === null, isExempt);
    });
  }
  it("refuses what is no proxy, and repeats nothing of it", () => {
    for (const value of ["ftp://me:pw@host:1", "http://", "http://me:pw@host:99999"]) {
      assert.throws(() => namesProxy({ ALL_PROXY: value }), {
        code: "usage",
        message: /^ALL_PROXY must be a proxy's address, such as (?!.*pw)/,
      });
    }
  });
});
