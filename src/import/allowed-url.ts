/** Which addresses files may be fetched from. */

/** `allowed`: origins, or folders of them, as in IMPORT_URLS. */
export function isAllowed(address: string, allowed: readonly string[]): boolean {
  if (!URL.canParse(address)) return false;
  const url = new URL(address); // its path is without `..` now
  if ((url.protocol !== 'http:' && url.protocol !== 'https:') || url.username !== '' || url.password !== '') return false;
  return allowed.some((beginning) => {
    if (!URL.canParse(beginning)) return false;
    const { origin, pathname } = new URL(beginning);
    const folder = pathname.replace(/\/*$/, '/');
    if (origin !== url.origin) return false;
    // A server might read %2F as a slash, and so leave the folder.
    return folder === '/' || (`${url.pathname}/`.startsWith(folder) && !/%2f|%5c/i.test(url.pathname));
  });
}

/** An address as it may be shown and kept: without query, which may hold a signature, and without name and password. */
export function publicUrl(address: string): string {
  if (!URL.canParse(address)) return 'An address that is no URL';
  const { protocol, host, pathname } = new URL(address);
  return `${protocol}//${host}${pathname}`;
}
