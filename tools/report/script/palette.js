// Colours that stay apart for readers who see few of them (Okabe and Ito's set, extended); families of hues for families of things. The
// figures of tools/plot_*.py read the same palette_data.js.

const dark = () => !matchMedia("print").matches && matchMedia("(prefers-color-scheme: dark)").matches;
const shade = (entry) => (entry || palette.series[7])[dark() ? "dark" : "light"];

const time_parts = Object.keys(palette.parts);
const part_color = (name) => shade(palette.parts[name]);
const part_phrase = (name) => palette.parts[name]?.phrase || words(name);
const component_color = (name) => shade(palette.components[name]);
const component_name = (name) => palette.components[name]?.name || words(name);
const executor_color = (name) => shade(palette.executors[name]);
const executor_name = (name) => palette.executors[name]?.name || name;
const series_color = (i) => shade(palette.series[i % palette.series.length]);
