import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { ScbError } from "../../src/runtime/error.ts";
import { formatLocation, parseLocation, storeName } from "../../src/store/parse-location.ts";
import type { StoreLocation } from "../../src/store/store-kinds.ts";

const valid: readonly (readonly [text: string, location: StoreLocation])[] = [
  ["s3://bucket", { kind: "s3", bucket: "bucket", prefix: "" }],
  ["s3://bucket/", { kind: "s3", bucket: "bucket", prefix: "" }],
  ["s3://my.bucket-1/a/b", { kind: "s3", bucket: "my.bucket-1", prefix: "a/b" }],
  ["s3://bucket/a/b/", { kind: "s3", bucket: "bucket", prefix: "a/b" }],
  ["s3://Old_Bucket/a", { kind: "s3", bucket: "Old_Bucket", prefix: "a" }],
  [
    "s3://bucket?region=eu-west-1",
    { kind: "s3", bucket: "bucket", prefix: "", region: "eu-west-1" },
  ],
  [
    "s3://bucket/p?endpoint=http://127.0.0.1:9000&region=us-east-1",
    {
      kind: "s3",
      bucket: "bucket",
      prefix: "p",
      region: "us-east-1",
      endpoint: "http://127.0.0.1:9000",
    },
  ],
  [
    "s3://bucket/p?endpoint=https%3A%2F%2Fs3.example.com%2Fstorage%2Fv1%2Fs3",
    { kind: "s3", bucket: "bucket", prefix: "p", endpoint: "https://s3.example.com/storage/v1/s3" },
  ],
  ["s3://bucket?style=virtual", { kind: "s3", bucket: "bucket", prefix: "", style: "virtual" }],
  [
    "s3://bucket/p?region=auto&endpoint=https://s3.example.com&style=path",
    {
      kind: "s3",
      bucket: "bucket",
      prefix: "p",
      region: "auto",
      endpoint: "https://s3.example.com",
      style: "path",
    },
  ],
  [
    "s3://bucket/p?profile=offsite",
    { kind: "s3", bucket: "bucket", prefix: "p", profile: "offsite" },
  ],
  ["gs://bucket", { kind: "gs", bucket: "bucket", prefix: "" }],
  ["gs://my.bucket_1/a/b/", { kind: "gs", bucket: "my.bucket_1", prefix: "a/b" }],
  [
    "gs://bucket/p?credentials=/etc/scb/key.json&endpoint=http://127.0.0.1:4443",
    {
      kind: "gs",
      bucket: "bucket",
      prefix: "p",
      credentials: "/etc/scb/key.json",
      endpoint: "http://127.0.0.1:4443",
    },
  ],
  [
    "abs://account1@my-container/a/b/",
    { kind: "abs", account: "account1", container: "my-container", prefix: "a/b" },
  ],
  [
    "abs://acc@container?credentials=/etc/scb/sas&endpoint=http://127.0.0.1:10000/acc",
    {
      kind: "abs",
      account: "acc",
      container: "container",
      prefix: "",
      credentials: "/etc/scb/sas",
      endpoint: "http://127.0.0.1:10000/acc",
    },
  ],
  ["file:///mnt/disk/store", { kind: "file", path: "/mnt/disk/store" }],
  ["file:///mnt/disk/store/", { kind: "file", path: "/mnt/disk/store" }],
  ["file:///mnt/my%20disk/%C3%A4%3F%23", { kind: "file", path: "/mnt/my disk/ä?#" }],
  ["rclone:nas:backups", { kind: "rclone", remote: "nas", path: "backups" }],
  [
    "rclone:my nas:/srv//my backups/",
    { kind: "rclone", remote: "my nas", path: "/srv/my backups" },
  ],
  ["rclone:a.b+c@d-e_f:x?y:z", { kind: "rclone", remote: "a.b+c@d-e_f", path: "x?y:z" }],
  ["file:///mnt/my disk", { kind: "file", path: "/mnt/my disk" }],
];

const invalid: readonly (readonly [text: string, says: RegExp])[] = [
  ["", /s3:\/\/BUCKET/],
  ["bucket", /s3:\/\/BUCKET/],
  ["/mnt/disk", /file:\/\/ before it/],
  ["./data", /s3:\/\/BUCKET/],
  ["https://s3.example.com/bucket", /s3:\/\/BUCKET/],
  ["S3://bucket", /s3:\/\/BUCKET/],
  ["rclone:", /rclone listremotes/],
  ["rclone:nas", /rclone listremotes/],
  ["rclone://nas/x", /rclone listremotes/],
  ["rclone:nas:", /must name a folder/],
  ["rclone:nas:/", /must name a folder/],
  ["rclone::sftp,host=x,pass=secret:x", /credentials belong in rclone's/],
  ["rclone:nas,pass=secret:x", /credentials belong in rclone's/],
  ["rclone:-v:x", /rclone listremotes/],
  ["rclone:nas:a/../b", /no \. or \.\./],
  ["rclone:nas:a]b", /no \[ \]/],
  ["rclone:nas:a\nb", /control characters/],
  ["s3://", /./],
  ["s3:///prefix", /bucket/],
  ["s3://b", /bucket's name/],
  ["s3://bucket:9000/p", /a port/],
  ["s3://bucket/p#x", /or a #/],
  ["s3://bucket/a//b", /prefix/],
  ["s3://bucket/.hidden", /prefix/],
  ["s3://bucket/a%2F..%2Fb", /prefix/],
  ["s3://bucket/a%20b", /prefix/],
  ["s3://bucket/%zz", /two hex digits/],
  ["s3://bucket?regoin=eu-west-1", /unknown parameter/],
  ["s3://bucket?region=a&region=b", /region twice/],
  ["s3://bucket?region=", /region/],
  ["s3://bucket?region=eu/west", /region/],
  ["s3://bucket?endpoint=s3.example.com", /https:\/\//],
  ["s3://bucket?style=dns", /virtual.*or path/],
  ["s3://bucket?style=path&style=path", /style twice/],
  ["s3://bucket?profile=", /profile/],
  ["s3://bucket?profile=my%20own", /profile/],
  ["s3://bucket?profile=a&profile=b", /profile twice/],
  ["s3://bucket?endpoint=ftp://x", /https:\/\//],
  ["s3://bucket?endpoint=https://x%3Fa=b", /a \?/],
  ["gs://", /bucket/],
  ["gs://Bucket", /lower-case letters/],
  ["gs://bucket:9000/p", /a port/],
  ["gs://bucket/a//b", /prefix/],
  ["gs://bucket?region=eu", /only credentials and endpoint are known/],
  ["gs://bucket?credentials=", /a file's path/],
  ["gs://bucket?endpoint=x", /https:\/\//],
  ["abs://container", /the account in the abs location/],
  ["abs://Account@container", /3 to 24 lower-case letters/],
  ["abs://account@a--b", /not a container's name/],
  ["abs://account@container/a//b", /prefix/],
  ["abs://account@container?region=eu", /only credentials and endpoint are known/],
  ["file://data", /three slashes/],
  ["file:data", /three slashes/],
  ["file:/data", /three slashes/],
  ["file://host/data", /three slashes/],
  ["file:///", /name a folder/],
  ["file:///a?b", /%3F/],
  ["file:///a#b", /%23/],
  ["file:///a%00b", /zero byte/],
  ["file:///a%ff", /two hex digits/],
];

const secretive = [
  "s3://AKIASECRET:hushhush@bucket/p",
  "s3://hushhush@bucket/p",
  "s3://bucket?secretAccessKey=hushhush",
  "s3://bucket?accessKeyId=hushhush",
  "s3://bucket?token=hushhush",
  "s3://bucket?endpoint=https://user:hushhush@s3.example.com",
  "s3://bucket?X-Amz-Signature=hushhush",
  "abs://account:hushhush@container/p",
  "abs://hushhushHUSHHUSH==@container",
  "abs://account@container?sig=hushhush",
  "gs://hushhush@bucket/p",
  "gs://bucket?token=hushhush",
  "gs://bucket?endpoint=https://user:hushhush@x",
  "https://user:hushhush@s3.example.com",
  "file://user:hushhush@host/x",
  "s3://bucket?hushhush=1",
  "s3://bucket/p?endpoint=https://x?hushhush",
];

describe("parseLocation", () => {
  for (const [text, location] of valid) {
    it(`reads ${text}, and writes it as it reads it`, () => {
      assert.deepEqual(parseLocation(text), location);
      assert.deepEqual(parseLocation(formatLocation(location)), location);
    });
  }
  for (const [text, says] of invalid) {
    it(`refuses ${JSON.stringify(text)}`, () => {
      assert.throws(
        () => parseLocation(text),
        (error) => {
          assert.ok(error instanceof ScbError);
          assert.equal(error.code, "usage");
          assert.match(error.message, says);
          return true;
        },
      );
    });
  }
  for (const text of secretive) {
    it(`never repeats what may be a secret: ${text.replace("hushhush", "…")}`, () => {
      assert.throws(
        () => parseLocation(text),
        (error) => {
          assert.ok(error instanceof ScbError);
          assert.equal(error.code, "usage");
          assert.doesNotMatch(`${error.stack} ${String(error.cause)}`, /hushhush|AKIASECRET/);
          return true;
        },
      );
    });
  }

  it("writes what it reads; a store's name leaves out who reads it, and how", () => {
    const text = "s3://bucket/p?region=auto&endpoint=https://s3.example.com&style=path&profile=own";
    const location = parseLocation(text);
    assert.equal(formatLocation(location), text);
    assert.equal(storeName(location), "s3://bucket/p?endpoint=https://s3.example.com");
  });
});

describe("storeName", () => {
  const names: readonly (readonly [text: string, name: string])[] = [
    ["s3://bucket/p/?region=x&style=path", "s3://bucket/p"],
    [
      "s3://bucket?region=x&endpoint=https://s3.example:9",
      "s3://bucket?endpoint=https://s3.example:9",
    ],
    ["gs://b-1/p?credentials=/etc/key.json", "gs://b-1/p"],
    ["abs://account@box-1/p?credentials=/x", "abs://account@box-1/p"],
    ["file:///mnt/a%3Fb", "file:///mnt/a%3Fb"],
  ];
  for (const [text, name] of names) {
    it(`of ${text} is ${name}`, () => assert.equal(storeName(parseLocation(text)), name));
  }
});
