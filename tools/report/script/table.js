// Sortable tables.

/**
 * @param columns {title, value(row), show(row), number, sort}; `show` gives text or an element, `value` what is sorted by
 * @param sort    [column, "ascending" | "descending"] at first
 * @param most    rows shown before the reader asks for all
 */
function table({ columns, rows, caption, sort, most = 40, kind }) {
  const body = el("tbody");
  const heads = columns.map((column, i) =>
    el("th", { scope: "col", class: column.number ? "number" : null }, el("button", { type: "button", onclick: () => order(i) }, column.title)));
  const state = { by: sort ? sort[0] : -1, down: sort ? sort[1] === "descending" : false, all: rows.length <= most };
  const more = el("button", { type: "button", class: "more", onclick: () => { state.all = true; fill(); } }, `Show all ${rows.length} rows`);

  function fill() {
    const sorted = [...rows];
    if (state.by >= 0) {
      const value = columns[state.by].value;
      sorted.sort((a, b) => compare(value(a), value(b)) * (state.down ? -1 : 1));
    }
    heads.forEach((head, i) => (i === state.by ? head.setAttribute("aria-sort", state.down ? "descending" : "ascending") : head.removeAttribute("aria-sort")));
    body.replaceChildren(...(state.all ? sorted : sorted.slice(0, most)).map((row) =>
      el("tr", {}, columns.map((column) => el("td", { class: column.number ? "number" : null }, (column.show || column.value)(row))))));
    more.hidden = state.all;
  }
  function order(i) {
    state.down = state.by === i ? !state.down : Boolean(columns[i].number);
    state.by = i;
    fill();
  }
  fill();
  return el("div", {},
    el("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": caption },
      el("table", { class: kind }, el("caption", {}, caption), el("thead", {}, el("tr", {}, heads)), body)),
    more);
}

function compare(a, b) {
  if (typeof a === "number" && typeof b === "number") return (Number.isNaN(a) ? -Infinity : a) - (Number.isNaN(b) ? -Infinity : b);
  return String(a).localeCompare(String(b), "en", { numeric: true });
}

/** A column of texts, and one of numbers, by the name of a field. */
const text_column = (title, key) => ({ title, value: (row) => row[key] ?? "" });
const number_column = (title, value, show) => ({ title, value, show: (row) => show(value(row)), number: true });
