/** Keys from a JSON list as a table: each is looked up by itself, so that no row beside them is locked. Bind the list's text; give the table an alias. */
export const keyList = "JSON_TABLE(?, '$[*]' COLUMNS (id BIGINT UNSIGNED PATH '$'))";
