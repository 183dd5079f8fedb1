"use strict";
const palette = {
  "parts": {
    "compute": { "light": "#0072b2", "dark": "#2e93d1", "phrase": "computing", "meaning": "PEs or systolic arrays busy" },
    "vector": { "light": "#56b4e9", "dark": "#8fd0f5", "phrase": "vector work", "meaning": "only vector units busy" },
    "column": { "light": "#009e73", "dark": "#17b589", "phrase": "column accesses", "meaning": "HB column accesses that nothing hides" },
    "row": { "light": "#e69f00", "dark": "#eeb032", "phrase": "row changes", "meaning": "activate, precharge, turnaround" },
    "refresh": { "light": "#d55e00", "dark": "#e27a2a", "phrase": "refresh", "meaning": "refresh" },
    "mode_switch": { "light": "#f0d84a", "dark": "#f3e27c", "phrase": "mode changes", "meaning": "changes between normal and NMP mode" },
    "buffer_wait": { "light": "#cc79a7", "dark": "#d994ba", "phrase": "waiting for buffers", "meaning": "buffers full or empty" },
    "host_transfer": { "light": "#7b2d6b", "dark": "#b163a1", "phrase": "host transfers", "meaning": "data on the channel bus, or only the DMA busy" },
    "dependency": { "light": "#98a3ae", "dark": "#6b7884", "phrase": "waiting for others", "meaning": "waits for other executors" },
    "idle": { "light": "#d9dfe4", "dark": "#36414c", "phrase": "with nothing left to do", "meaning": "nothing left to do" }
  },
  "components": {
    "hb_io": { "light": "#d55e00", "dark": "#e27a2a", "name": "HB ports" },
    "offchip_io": { "light": "#e69f00", "dark": "#eeb032", "name": "channel buses" },
    "dram_array": { "light": "#0072b2", "dark": "#2e93d1", "name": "DRAM arrays" },
    "dram_activate": { "light": "#3f9bd0", "dark": "#62b3e2", "name": "DRAM activation" },
    "dram_refresh": { "light": "#8cc6e8", "dark": "#93cdec", "name": "DRAM refresh" },
    "dram_background": { "light": "#c3def0", "dark": "#3d6a86", "name": "DRAM background" },
    "pe_mac": { "light": "#00795a", "dark": "#17b589", "name": "PE MACs" },
    "pe_sram": { "light": "#5cc3a5", "dark": "#7fd8bd", "name": "PE buffers" },
    "npu_mac": { "light": "#7b2d6b", "dark": "#b163a1", "name": "NPU MACs" },
    "npu_sram": { "light": "#b57fae", "dark": "#cb9cc5", "name": "NPU scratchpad" },
    "vector": { "light": "#dcbfd9", "dark": "#e4cfe2", "name": "vector units" },
    "static": { "light": "#98a3ae", "dark": "#6b7884", "name": "static power" }
  },
  "executors": {
    "nmp": { "light": "#d55e00", "dark": "#e8863a", "name": "NMP channels" },
    "npu": { "light": "#0072b2", "dark": "#4aa8e0", "name": "NPU" },
    "nmp+npu": { "light": "#7b2d6b", "dark": "#c27fb4", "name": "both" },
    "vector": { "light": "#98a3ae", "dark": "#6b7884", "name": "vector units" },
    "system": { "light": "#98a3ae", "dark": "#6b7884", "name": "no operator" }
  },
  "series": [
    { "light": "#0072b2", "dark": "#4aa8e0" }, { "light": "#e69f00", "dark": "#eeb032" }, { "light": "#009e73", "dark": "#17b589" },
    { "light": "#cc79a7", "dark": "#d994ba" }, { "light": "#d55e00", "dark": "#e8863a" }, { "light": "#56b4e9", "dark": "#8fd0f5" },
    { "light": "#7b2d6b", "dark": "#b163a1" }, { "light": "#98a3ae", "dark": "#8795a3" }
  ]
};
