/**
 * Entry point of the single executable. Node runs it as a CommonJS script, without top-level await: if the
 * event loop runs empty before the program has ended, the exit code is that of a failure.
 */
import { exitCodes } from "./exit-code.ts";
import { startProgram } from "./start.ts";

process.exitCode = exitCodes.failed;
void startProgram();
