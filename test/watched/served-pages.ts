import { type Answer, startHttpServer } from "../../src/watched/http-server.ts";

/** Answers, served by the real server under `/0`, `/1` and so on. */
export async function servedPages(
  answers: readonly Answer[],
): Promise<AsyncDisposable & { url(at: number): string }> {
  const server = await startHttpServer({
    address: { host: "127.0.0.1", port: 0 },
    allowedHosts: [],
    answer: async (path) => answers[Number(path.slice(1))] ?? null,
  });
  return {
    url: (at) => `http://127.0.0.1:${server.address.port}/${at}`,
    [Symbol.asyncDispose]: () => server.close(),
  };
}
