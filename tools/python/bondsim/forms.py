"""Closed forms of one's own."""

from . import _core


class ClosedForm:
    """Base of closed forms: seconds of a GEMM from its shape and a device. `validate` judges one against the cycle model, `dse` searches with
    it. gemm: count, m, n, k; element_bytes: of every operand, 0.5 for 4 bit; device: NmpDevice or NpuDevice.

    >>> class Bandwidth(ClosedForm):
    ...     name = "bandwidth-alone"
    ...     def nmp_seconds(self, gemm, element_bytes, device):
    ...         ports = device.channels * device.pes_per_channel * device.hb_bandwidth_gbps * 1e9
    ...         return gemm.count * gemm.n * gemm.k * element_bytes / ports
    ...     def npu_seconds(self, gemm, element_bytes, device):
    ...         return gemm.count * gemm.n * gemm.k * element_bytes / (device.channels * device.channel_bandwidth_gbps * 1e9)
    >>> registered(Bandwidth())
    'bandwidth-alone'
    """

    name = ""

    def nmp_seconds(self, gemm, element_bytes, device):
        """On the PEs, the stationary operand [k, n] spread over the device's channels."""
        raise NotImplementedError

    def npu_seconds(self, gemm, element_bytes, device):
        """On the NPU, the stationary operand streaming in from the device's channels."""
        raise NotImplementedError


def registered(form):
    """The name by which bondsim knows a form: its own, or that of an object that is registered here."""
    if isinstance(form, str):
        return form
    for method in ("nmp_seconds", "npu_seconds"):
        if not callable(getattr(form, method, None)):
            raise TypeError(f"{form!r} has no method {method}; a closed form has nmp_seconds and npu_seconds, as bondsim.ClosedForm says")
    name = getattr(form, "name", "") or type(form).__name__
    _core.add_form(name, form)
    return name
