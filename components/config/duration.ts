/** Durations and sizes as a site's author writes them: a whole number and its unit, without a space. */

const durationUnits = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000 } as const;
const dayUnits = { d: 1, y: 365 } as const;
const sizeUnits = { KiB: 2 ** 10, MiB: 2 ** 20, GiB: 2 ** 30 } as const;

/** Regular expressions, also for editors through the JSON Schema. Nine digits keep every product a safe integer. */
export const durationPattern = patternFor(durationUnits);
export const daysPattern = patternFor(dayUnits);
export const sizePattern = patternFor(sizeUnits);

/** @returns milliseconds, or undefined if the text is no duration */
export function parseDuration(text: string): number | undefined {
  return parseWithUnit(text, durationPattern, durationUnits);
}

/** @returns days, or undefined if the text is no number of days or years (of 365 days) */
export function parseDays(text: string): number | undefined {
  return parseWithUnit(text, daysPattern, dayUnits);
}

/** @returns bytes, or undefined if the text is no size */
export function parseSize(text: string): number | undefined {
  return parseWithUnit(text, sizePattern, sizeUnits);
}

/** The shortest way to write a whole number of milliseconds that {@link parseDuration} reads back unchanged. */
export function formatDuration(ms: number): string {
  for (const unit of ["h", "m", "s"] as const) {
    if (ms !== 0 && ms % durationUnits[unit] === 0) return `${ms / durationUnits[unit]}${unit}`;
  }
  return `${ms}ms`;
}

function patternFor(units: Record<string, number>): RegExp {
  return new RegExp(`^([0-9]{1,9})(${Object.keys(units).join("|")})$`);
}

function parseWithUnit(text: string, pattern: RegExp, units: Record<string, number>): number | undefined {
  const [, digits, unit] = pattern.exec(text) ?? [];
  if (digits === undefined || unit === undefined) return undefined;
  return Number(digits) * (units[unit] as number);
}
