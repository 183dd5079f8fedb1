// Numbers as people read them: three or four significant digits and the unit that leaves one to three of them before the point.

const nbsp = "\u00a0";  // a number and its unit stay on one line

const time_units = [[1, "s"], [1e-3, "ms"], [1e-6, "µs"], [1e-9, "ns"], [1e-12, "ps"]];
const energy_units = [[1e3, "kJ"], [1, "J"], [1e-3, "mJ"], [1e-6, "µJ"], [1e-9, "nJ"], [1e-12, "pJ"]];
const plain_units = [[1e12, "T"], [1e9, "G"], [1e6, "M"], [1e3, "k"], [1, ""]];

function pick_unit(value, units) {
  const size = Math.abs(value);
  return units.find(([scale]) => size >= scale * 0.9995) || units[units.length - 1];
}

/** At most `digits` significant ones; no exponent, no zeros that say nothing. */
function significant(value, digits = 4) {
  if (!Number.isFinite(value)) return "–";
  if (value === 0) return "0";
  const places = Math.max(0, Math.min(9, digits - 1 - Math.floor(Math.log10(Math.abs(value)))));
  return value.toLocaleString("en-US", { maximumFractionDigits: places });
}

/** [number, unit] of a value, both as text. */
function parts_of(value, units, digits) {
  if (!Number.isFinite(value)) return ["–", ""];
  if (value === 0) return ["0", units.find(([scale]) => scale === 1)[1]];
  const [scale, unit] = pick_unit(value, units);
  return [significant(value / scale, digits), unit];
}

const joined = ([number, unit]) => (unit ? `${number}${nbsp}${unit}` : number);
const seconds = (value, digits = 4) => joined(parts_of(value, time_units, digits));
const joules = (value, digits = 4) => joined(parts_of(value, energy_units, digits));
const quantity = (value, unit, digits = 4) => {
  const [number, prefix] = parts_of(value, plain_units, digits);
  return `${number}${nbsp}${prefix}${unit}`.trim();
};
const bytes = (value) => quantity(value, "B");
const count = (value) => (Math.abs(value) < 1e5 ? significant(value, 6) : quantity(value, ""));
const percent = (share) => {
  if (!Number.isFinite(share)) return "–";
  const value = 100 * share;
  if (value !== 0 && Math.abs(value) < 0.05) return `<0.1${nbsp}%`;
  const places = Math.abs(value) >= 1000 ? 0 : 1;
  return `${value.toLocaleString("en-US", { minimumFractionDigits: value === 0 || value === 100 ? 0 : places, maximumFractionDigits: places })}${nbsp}%`;
};
const plural = (number, thing) => `${count(number)} ${thing}${number === 1 ? "" : "s"}`;
const ratio = (value) => `${significant(value, 3)}×`;

/** A value whose unit its name ends in, as the files of bondsim name them: latency_s, pe_area_mm2, energy_j. */
function by_name(name, value) {
  if (typeof value !== "number") return String(value);
  if (/_per_s$/.test(name)) return `${significant(value, 5)}/s`;
  if (/_s(_per_layer)?$/.test(name)) return seconds(value);
  if (/_j$/.test(name)) return joules(value);
  if (/_js$/.test(name)) return `${significant(value)} J·s`;
  if (/_w_per_mm2$/.test(name)) return `${significant(value, 3)} W/mm²`;
  if (/_w$/.test(name)) return quantity(value, "W");
  if (/_a$/.test(name)) return quantity(value, "A");
  if (/_c$/.test(name)) return `${significant(value)} °C`;
  if (/_mm2$/.test(name)) return `${significant(value)} mm²`;
  if (/_percent$/.test(name)) return `${significant(value, 3)} %`;
  return significant(value, 5);
}

/** `nmp.pe.fpus` stays; `pe_area_mm2` becomes `PE area`. */
function metric_title(name) {
  const known = { latency_s: "latency", prefill_s: "prefill", decode_s: "decode", energy_j: "energy", edp_js: "energy × delay", pe_area_mm2: "PE area", pe_power_density_w_per_mm2: "PE power density", power_budget_w: "power", max_current_a: "highest current", max_junction_c: "hottest part" };
  return known[name] || name.replace(/(?<!_per)_(s|j|mm2)$/, "").replaceAll("_", " ");
}
const words = (name) => name.replaceAll("_", " ");
