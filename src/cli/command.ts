/** What a command of the command line is and what it is given. */
import type { Environment } from '../config.ts';
import type { Ending } from './ending.ts';

export interface Context {
  readonly env: Environment;
  /** What follows the name of the command. */
  readonly args: readonly string[];
  /** The folder of the project; private servers live in it. */
  readonly root: string;
  /** A line for the person at the terminal. */
  readonly say: (line: string) => void;
  readonly ending: Ending;
}

export interface Command {
  readonly name: string;
  /** Its arguments, as in `[up|down|check]`. */
  readonly usage: string;
  /** One line for the list of commands. */
  readonly what: string;
  /** The exit code. @throws PlainError for what the person can mend. */
  readonly run: (context: Context) => Promise<number>;
}
