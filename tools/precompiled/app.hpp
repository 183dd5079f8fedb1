#pragma once
// Precompiled: what the command and the library behind it include.
#include <nlohmann/json.hpp>

#include "tools/precompiled/plain.hpp"
