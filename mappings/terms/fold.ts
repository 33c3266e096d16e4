/** The equality of MediMax's text columns, as near as JavaScript gets: case, accents and trailing spaces do not count (mapping.md, S13). */

/**
 * Nothing else is folded (leading and doubled spaces count): a text finds its code exactly where SQL, comparing that column with the table's texts,
 * finds the row, so that search never misses a code that is served.
 */
export function fold(text: string): string {
  return text.normalize('NFD').replace(/\p{M}/gu, '').toLowerCase().replace(/ +$/, '');
}
