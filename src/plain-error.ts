/** An expected failure of running the program: its message is all the person at the terminal needs, so no stack is shown. */
export class PlainError extends Error {
  override readonly name: string = 'PlainError';
}
