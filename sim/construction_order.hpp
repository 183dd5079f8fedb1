#pragma once

namespace bondsim {

/// The order modules are constructed in. It must not change any result; tests try both.
enum class ConstructionOrder { channels_first, npu_first };

}  // namespace bondsim
