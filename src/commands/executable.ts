/**
 * Where the single executable begins. Node runs it as a CommonJS script, which can't wait at its top level:
 * should nothing be left to wait for before the program has ended, the exit code is that of a failure.
 */
import { exitCodes } from "./exit-code.ts";
import { startProgram } from "./start.ts";

process.exitCode = exitCodes.failed;
void startProgram();
