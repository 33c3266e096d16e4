/** Microseconds since the epoch as an instant in UTC, within the years that a DATETIME column holds. */
export function instantOfMicros(micros: number): string {
  const least = Date.UTC(1000, 0, 1) * 1000;
  const most = Date.UTC(9999, 11, 31) * 1000;
  const within = Math.min(Math.max(Math.round(micros), least), most);
  const seconds = Math.floor(within / 1_000_000);
  const text = new Date(seconds * 1000).toISOString().slice(0, 19);
  return `${text}.${String(within - seconds * 1_000_000).padStart(6, '0')}Z`;
}
