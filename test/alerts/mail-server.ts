import { once } from "node:events";
import type { AddressInfo, Server } from "node:net";
import { SMTPServer, type SMTPServerOptions } from "smtp-server";

export interface Mail {
  readonly from: string;
  readonly to: readonly string[];
  readonly user: string | undefined;
  /** Whether it came over TLS. */
  readonly secure: boolean;
  /** Headers and body, as they came. */
  readonly text: string;
}

export interface MailServer {
  readonly port: number;
  readonly mails: Mail[];
  close(): Promise<void>;
}

/** A real SMTP server that keeps what it is given. It knows one user: `ops`, with `pass@word`. */
export async function startMailServer(options: SMTPServerOptions = {}): Promise<MailServer> {
  const mails: Mail[] = [];
  const server = new SMTPServer({
    authOptional: true,
    disableReverseLookup: true,
    logger: false,
    onAuth({ username, password }, _, done) {
      const isRight = username === "ops" && password === "pass@word";
      if (isRight) done(null, { user: "ops" });
      else done(new Error(`Invalid login ${username} ${password}`));
    },
    onData(stream, { envelope, user, secure }, done) {
      let text = "";
      stream.setEncoding("utf8");
      stream.on("data", (chunk: string) => {
        text += chunk;
      });
      stream.on("end", () => {
        const from = envelope.mailFrom === false ? "" : envelope.mailFrom.address;
        const to = envelope.rcptTo.map(({ address }) => address);
        mails.push({ from, to, user: user === undefined ? undefined : String(user), secure, text });
        done(null, "kept");
      });
    },
    ...options,
  });
  // What a client breaks off is no trouble of the test's.
  server.on("error", () => undefined);
  const listening: Server = server.listen(0, "127.0.0.1");
  await once(listening, "listening");
  return {
    port: (listening.address() as AddressInfo).port,
    mails,
    close: () => new Promise((resolve) => server.close(() => resolve())),
  };
}
