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

for (const table of document.querySelectorAll("table")) {
  for (const head of table.tHead.rows[0].cells) {
    head.tabIndex = 0;
    head.addEventListener("click", () => sortBy(table, head));
    head.addEventListener("keydown", (event) => event.key === "Enter" && sortBy(table, head));
  }
}

/* Unfolds everything around the place that the address names, and the place itself. */
function unfoldTarget() {
  const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (!target) return;
  for (let at = target; at; at = at.parentElement) if (at.tagName === "DETAILS") at.open = true;
  target.scrollIntoView();
}
addEventListener("hashchange", unfoldTarget);
if (location.hash) unfoldTarget();

/* The filter: shows what holds every word, wherever on the page it is, and nothing else. */
const field = document.querySelector("nav input");
const count = document.querySelector("nav output");
const nothing = document.querySelector(".nothing");
let index = null;
let unfolded = [];

/* What can be found: rows of tables, and lines with all that unfolds below them. */
function entries() {
  const rows = document.querySelectorAll("table.searched > tbody > tr, .lines > details");
  const text = (row) => `${row.closest("table")?.dataset.find ?? ""} ${row.textContent}`;
  return [...rows].map((row) => ({ row, text: text(row).toLowerCase() }));
}

/* Marks what is around a row as found; folded tables are unfolded until the next word. */
function mark(row) {
  for (let at = row; at.tagName !== "MAIN"; at = at.parentElement) {
    at.classList.add("found");
    if (at !== row && at.tagName === "DETAILS") unfold(at);
  }
}
function unfold(details) {
  if (!details.open) unfolded.push(details);
  details.open = true;
}

function filter() {
  index ??= entries();
  const words = field.value.toLowerCase().split(/\s+/).filter(Boolean);
  document.body.classList.toggle("filtering", words.length > 0);
  for (const kept of document.querySelectorAll(".found")) kept.classList.remove("found");
  for (const details of unfolded) details.open = false;
  unfolded = [];
  const found = index.filter(({ text }) => words.every((word) => text.includes(word)));
  for (const { row } of index) row.hidden = words.length > 0;
  for (const { row } of found) {
    row.hidden = false;
    if (words.length) mark(row);
  }
  const lines = found.filter(({ row }) => row.tagName === "DETAILS");
  if (lines.length === 1 && words.length) unfold(lines[0].row);
  count.value = words.length ? found.length : "";
  nothing.hidden = !words.length || found.length > 0;
  if (words.length) scrollTo({ top: document.querySelector("main").offsetTop - 60, behavior: "instant" });
}

field.parentElement.hidden = false;
field.addEventListener("input", filter);
addEventListener("keydown", (event) => {
  if (event.key === "/" && document.activeElement !== field) {
    event.preventDefault();
    field.select();
  }
  if (event.key === "Escape" && field.value) {
    field.value = "";
    filter();
  }
});
