"use strict";

/* Sorts a table by the column whose head was clicked; rows without a value stay last. */
function sortBy(table, head) {
  const column = head.cellIndex;
  const direction = head.getAttribute("aria-sort") === "ascending" ? -1 : 1;
  for (const other of table.tHead.rows[0].cells) other.removeAttribute("aria-sort");
  head.setAttribute("aria-sort", direction === 1 ? "ascending" : "descending");
  const key = (row) => row.cells[column].dataset.sort ?? row.cells[column].textContent;
  const missing = (text) => text === "" || text === "—";
  const compare = (a, b) => {
    const [x, y] = [key(a), key(b)];
    if (missing(x) || missing(y)) return missing(x) - missing(y);
    const numeric = !isNaN(x) && !isNaN(y);
    return direction * (numeric ? x - y : x.localeCompare(y));
  };
  const body = table.tBodies[0];
  body.append(...[...body.rows].sort(compare));
}

/* Shows the rows that hold every word of the filter. */
function filterRows(field) {
  const words = field.value.toLowerCase().split(/\s+/).filter(Boolean);
  const rows = [...field.closest("figure").querySelector("tbody").rows];
  let shown = 0;
  for (const row of rows) {
    const text = row.textContent.toLowerCase();
    row.hidden = !words.every((word) => text.includes(word));
    shown += !row.hidden;
  }
  field.nextElementSibling.value = words.length ? `${shown} / ${rows.length}` : "";
}

for (const table of document.querySelectorAll("table")) {
  for (const head of table.tHead.rows[0].cells) {
    head.addEventListener("click", () => sortBy(table, head));
    head.addEventListener("keydown", (event) => event.key === "Enter" && sortBy(table, head));
  }
}
for (const field of document.querySelectorAll("input.filter")) {
  field.addEventListener("input", () => filterRows(field));
}
