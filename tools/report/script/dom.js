// Elements, and the frame of a section.

function el(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.flat(3).filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

/** Text in which **this** is bold. */
function rich(text) {
  return text.split("**").map((part, i) => (i % 2 ? el("b", {}, part) : part));
}

/** What the bar at the top calls them. */
const short_titles = { time: "Time", energy: "Energy", context: "Context", timeline: "Timeline" };

/** A section with its heading, and what there is to learn from it in a sentence. */
function section(id, title, say, ...children) {
  return el("section", { id, "data-title": short_titles[id] || title }, el("h2", {}, title), say ? el("p", { class: "say" }, rich(say)) : null, ...children);
}

/** A part of the page, or, when its data stand in the way, a word about that: the other parts are drawn all the same. */
function part_or_fault(name, make) {
  try {
    return make();
  } catch (fault) {
    return section(`fault-${++faults}`, `${name}: cannot be drawn`, "", missing_value("part", fault));
  }
}
let faults = 0;

const card = (...children) => el("div", { class: "card" }, ...children);
const missing = (text) => el("p", { class: "missing" }, text);
const missing_value = (what, fault) => missing(`A value that this ${what} needs is missing or of another kind than bondsim writes (${fault.message}).`);

function legend(entries) {
  return el("ul", { class: "legend" }, entries.map(([name, color, shape]) => el("li", {}, el("i", { class: shape, style: `background:${color}` }), name)));
}

/** A labelled choice. @param options [value, text]; `choose` gets the value as text */
function chooser(label, options, chosen, choose) {
  return el("label", {}, `${label} `, el("select", { onchange: (event) => choose(event.target.value) }, options.map(([value, text]) => el("option", { value, selected: value === chosen }, text))));
}
