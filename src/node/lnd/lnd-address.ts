import { ScbError } from "../../runtime/error.ts";

export const defaultLndPort = 10009;

/**
 * Parses `host:port`, with lnd's port by default and IPv6 in brackets. Throws "usage", naming `option`.
 */
export function parseLndAddress(text: string, option: string): string {
  const [, host, port] = /^(\[[0-9a-f:.%]+\]|[^\s:/@?#[\]]+)(?::([0-9]{1,5}))?$/i.exec(text) ?? [];
  const number = port === undefined ? defaultLndPort : Number(port);
  const address = `${host}:${number}`;
  if (host === undefined || number < 1 || number > 65_535 || !URL.canParse(`https://${address}`)) {
    throw new ScbError(
      "usage",
      `${option} must be HOST:PORT of lnd's gRPC server, such as localhost:10009 or [::1]:10009`,
    );
  }
  return address;
}
