// Colours that stay apart for readers who see few of them (Okabe and Ito's set, extended); families of hues for families of things.

const dark = () => !matchMedia("print").matches && matchMedia("(prefers-color-scheme: dark)").matches;

const time_parts = ["compute", "vector", "column", "row", "refresh", "mode_switch", "buffer_wait", "host_transfer", "dependency", "idle"];
const part_colors = {
  compute: ["#0072b2", "#2e93d1"], vector: ["#56b4e9", "#8fd0f5"], column: ["#009e73", "#17b589"], row: ["#e69f00", "#eeb032"],
  refresh: ["#d55e00", "#e27a2a"], mode_switch: ["#f0d84a", "#f3e27c"], buffer_wait: ["#cc79a7", "#d994ba"], host_transfer: ["#7b2d6b", "#b163a1"],
  dependency: ["#98a3ae", "#6b7884"], idle: ["#d9dfe4", "#36414c"],
};
const part_meaning = {
  compute: "PEs or systolic arrays busy", vector: "only vector units busy", column: "HB column accesses that nothing hides",
  row: "activate, precharge, turnaround", refresh: "refresh", mode_switch: "changes between normal and NMP mode", buffer_wait: "buffers full or empty",
  host_transfer: "data on the channel bus, or only the DMA busy", dependency: "waits for other executors", idle: "nothing left to do",
};
const part_color = (name) => (part_colors[name] || ["#98a3ae", "#6b7884"])[dark() ? 1 : 0];

const energy_colors = {
  hb_io: ["#d55e00", "#e27a2a"], offchip_io: ["#e69f00", "#eeb032"],
  dram_array: ["#0072b2", "#2e93d1"], dram_activate: ["#3f9bd0", "#62b3e2"], dram_refresh: ["#8cc6e8", "#93cdec"], dram_background: ["#c3def0", "#3d6a86"],
  pe_mac: ["#00795a", "#17b589"], pe_sram: ["#5cc3a5", "#7fd8bd"],
  npu_mac: ["#7b2d6b", "#b163a1"], npu_sram: ["#b57fae", "#cb9cc5"], vector: ["#dcbfd9", "#e4cfe2"],
  static: ["#98a3ae", "#6b7884"], static_power: ["#98a3ae", "#6b7884"],
};
const component_names = {
  hb_io: "HB ports", offchip_io: "channel buses", dram_array: "DRAM arrays", dram_activate: "DRAM activation", dram_refresh: "DRAM refresh",
  dram_background: "DRAM background", pe_mac: "PE MACs", pe_sram: "PE buffers", npu_mac: "NPU MACs", npu_sram: "NPU scratchpad", vector: "vector units",
  static: "static power", static_power: "static power",
};
const component_color = (name) => (energy_colors[name] || ["#98a3ae", "#6b7884"])[dark() ? 1 : 0];
const component_name = (name) => component_names[name] || words(name);

const executor_colors = { nmp: ["#d55e00", "#e8863a"], npu: ["#0072b2", "#4aa8e0"], "nmp+npu": ["#7b2d6b", "#c27fb4"] };
const executor_names = { nmp: "NMP channels", npu: "NPU", "nmp+npu": "both", vector: "vector units", system: "no operator" };
const executor_color = (name) => (executor_colors[name] || ["#98a3ae", "#6b7884"])[dark() ? 1 : 0];

const series_colors = [["#0072b2", "#4aa8e0"], ["#e69f00", "#eeb032"], ["#009e73", "#17b589"], ["#cc79a7", "#d994ba"], ["#d55e00", "#e8863a"], ["#56b4e9", "#8fd0f5"], ["#7b2d6b", "#b163a1"], ["#98a3ae", "#8795a3"]];
const series_color = (i) => series_colors[i % series_colors.length][dark() ? 1 : 0];
