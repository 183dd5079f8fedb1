#include <pybind11/stl.h>

#include <array>
#include <map>
#include <tuple>

#include "mapping/cost/forms/make_cost_model.hpp"
#include "tools/python/bindings.hpp"

namespace py = pybind11;

namespace bondsim::tools::python {
namespace {

/// A class of Python that says the two times of a closed form.
class PythonForm final : public cost::CostModel {
 public:
  PythonForm(std::string name, py::object form) : name_(std::move(name)), form_(new py::object(std::move(form))) {}
  PythonForm(const PythonForm&) = delete;
  PythonForm& operator=(const PythonForm&) = delete;
  const char* name() const override { return name_.c_str(); }
  double nmp_seconds(const GemmShape& gemm, double element_bytes, const cost::NmpDevice& device) const override {
    return ask("nmp_seconds", gemm, element_bytes, device);
  }
  double npu_seconds(const GemmShape& gemm, double element_bytes, const cost::NpuDevice& device) const override {
    return ask("npu_seconds", gemm, element_bytes, device);
  }

 private:
  template <class Device>
  double ask(const char* method, const GemmShape& gemm, double element_bytes, const Device& device) const {
    const py::gil_scoped_acquire gil;  // it keeps the answers of one thread from another's, too
    const Question question{sizeof(Device), gemm.count, gemm.m, gemm.n, gemm.k, element_bytes, numbers_of(device)};
    const auto known = answers_.find(question);
    if (known != answers_.end()) return known->second;
    const auto seconds = py::cast<double>(form_->attr(method)(gemm, element_bytes, device));
    if (!(seconds >= 0 && seconds < 1e12)) {
      throw ConfigError(fmt::format("{}.{}(count={}, m={}, n={}, k={}): {} found, allowed: seconds, 0 or more", name_, method, gemm.count,
                                    gemm.m, gemm.n, gemm.k, seconds));
    }
    answers_.emplace(question, seconds);
    return seconds;
  }

  static std::array<double, 6> numbers_of(const cost::NmpDevice& d) {
    return {static_cast<double>(d.channels),
            static_cast<double>(d.fpus),
            static_cast<double>(d.macs_per_fpu),
            d.clock_mhz,
            d.hb_bandwidth_gbps,
            d.utilization};
  }
  static std::array<double, 6> numbers_of(const cost::NpuDevice& d) {
    return {static_cast<double>(d.channels), d.channel_bandwidth_gbps, d.peak_tmacs, 0, 0, 0};
  }

  /// Which device, shape, bytes of an element, the device.
  using Question = std::tuple<std::size_t, std::int64_t, std::int64_t, std::int64_t, std::int64_t, double, std::array<double, 6>>;

  std::string name_;
  mutable std::map<Question, double> answers_;  ///< searches ask for the same more than twice; a form gives the same answer each time
  const py::object* form_;  ///< kept to the end of the process: forms are registered for good, and destroyed where nobody has the lock
};

}  // namespace

void bind_forms(py::module_& m) {
  py::class_<GemmShape>(m, "GemmShape", "`count` independent products [m, k] x [k, n].")
      .def_readonly("count", &GemmShape::count)
      .def_readonly("m", &GemmShape::m)
      .def_readonly("n", &GemmShape::n)
      .def_readonly("k", &GemmShape::k);
  py::class_<cost::NmpDevice>(m, "NmpDevice", "Channels with PEs, as a closed form sees them.")
      .def_readonly("channels", &cost::NmpDevice::channels)
      .def_readonly("pes_per_channel", &cost::NmpDevice::pes_per_channel)
      .def_readonly("fpus", &cost::NmpDevice::fpus, "of a PE")
      .def_readonly("macs_per_fpu", &cost::NmpDevice::macs_per_fpu, "a cycle")
      .def_readonly("clock_mhz", &cost::NmpDevice::clock_mhz)
      .def_readonly("hb_bandwidth_gbps", &cost::NmpDevice::hb_bandwidth_gbps, "1e9 bytes a second, port of one PE to its bank")
      .def_readonly("channel_bandwidth_gbps", &cost::NmpDevice::channel_bandwidth_gbps, "1e9 bytes a second, bus of one channel")
      .def_readonly("utilization", &cost::NmpDevice::utilization, "share of the peak that an in-die PE sustains")
      .def_property_readonly("channel_macs_per_s", &cost::NmpDevice::channel_macs_per_s);
  py::class_<cost::NpuDevice>(m, "NpuDevice", "The NPU, and the channels that hold the stationary operand.")
      .def_readonly("channels", &cost::NpuDevice::channels)
      .def_readonly("channel_bandwidth_gbps", &cost::NpuDevice::channel_bandwidth_gbps, "1e9 bytes a second, bus of one channel")
      .def_readonly("peak_tmacs", &cost::NpuDevice::peak_tmacs, "1e12 MACs a second");
  m.def("form_names", &cost::cost_model_names);
  m.def(
      "add_form",
      [](const std::string& name, const py::object& form) {
        cost::add_cost_model(name, [name, form = new py::object(form)](const System*) {
          const py::gil_scoped_acquire gil;
          return std::unique_ptr<cost::CostModel>(new PythonForm(name, *form));
        });
      },
      py::arg("name"), py::arg("form"));
}

}  // namespace bondsim::tools::python
