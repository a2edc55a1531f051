import { confirm, intro, isCancel, log, outro, password, select, text } from "@clack/prompts";
import { ScbError } from "../../runtime/error.ts";

/** What is wrong with an answer, for the person who gave it; undefined for nothing. */
export type Check = (answer: string) => string | undefined;

export interface Choice<T extends string> {
  readonly value: T;
  readonly label: string;
  readonly hint?: string;
}

const usualSize = { columns: 80, rows: 24 } as const;

/**
 * Asks a person, at the terminal. Each question throws "aborted" if the person ends the dialogue with Ctrl-C
 * or Escape, or the program is stopped.
 */
export class Dialogue {
  readonly #common: { readonly output: NodeJS.WriteStream; readonly signal: AbortSignal };

  constructor(signal: AbortSignal) {
    const output = process.stderr;
    // A terminal that doesn't know its size, as some in containers: the questions would be a letter wide.
    output.columns ||= usualSize.columns;
    output.rows ||= usualSize.rows;
    this.#common = { output, signal };
    intro("scb-mirror init: Ctrl-C ends it, and nothing is written", this.#common);
  }

  /** A remark between two questions. */
  say(message: string): void {
    log.info(message, this.#common);
  }

  /** A command to copy: on a line of its own, with nothing before it. */
  show(command: string): void {
    this.#common.output.write(`\n${command}\n\n`);
  }

  async choose<T extends string>(message: string, choices: readonly Choice<T>[]): Promise<T> {
    const options = choices.map(({ value, label, hint }) => ({
      value: value as string,
      label,
      ...(hint === undefined ? {} : { hint }),
    }));
    const answer = this.#answered(await select({ message, options, ...this.#common }));
    const chosen = choices.find(({ value }) => value === answer);
    if (chosen === undefined) throw new ScbError("internal", "an answer is none of the choices");
    return chosen.value;
  }

  /** A line of text, without white space at its ends. */
  async text(
    message: string,
    { initial = "", hint = "", check = () => undefined }: TextQuestion = {},
  ): Promise<string> {
    const orInitial = (given = ""): string => given.trim() || initial;
    const answer = await text({
      message,
      placeholder: initial || hint,
      defaultValue: initial,
      validate: (given) => check(orInitial(given)),
      ...this.#common,
    });
    return orInitial(this.#answered(answer));
  }

  /** A line that nobody sees. */
  async secret(message: string, check: Check): Promise<string> {
    const answer = await password({
      message,
      validate: (given) => check((given ?? "").trim()),
      ...this.#common,
    });
    return (this.#answered(answer) ?? "").trim();
  }

  async yes(message: string, initial: boolean): Promise<boolean> {
    return this.#answered(await confirm({ message, initialValue: initial, ...this.#common }));
  }

  end(message: string): void {
    outro(message, this.#common);
  }

  #answered<T>(answer: T): Exclude<T, symbol> {
    if (!isCancel(answer)) return answer as Exclude<T, symbol>;
    throw new ScbError("aborted", "init was ended before its last question: nothing was written");
  }
}

export interface TextQuestion {
  /** The answer, if nothing is typed. */
  readonly initial?: string;
  /** Shown while nothing stands there. */
  readonly hint?: string;
  readonly check?: Check;
}
