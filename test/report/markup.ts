/** Text as HTML and SVG want it, in attributes as well. */
export function escaped(text: string): string {
  return text.replace(/[&<>"]/g, (one) => `&#${one.charCodeAt(0)};`);
}
