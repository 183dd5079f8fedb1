#pragma once
// Precompiled: what code that simulates includes.
#include <systemc>

#include "tools/precompiled/plain.hpp"
