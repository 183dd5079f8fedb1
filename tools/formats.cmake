# The files of configs/formats/ as text in the program (mapping/llm/format.cpp reads it).
file(GLOB format_files CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/configs/formats/*.yaml)
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${format_files})
set(format_rows)
foreach(file IN LISTS format_files)
  get_filename_component(name ${file} NAME_WE)
  file(READ ${file} text)
  string(APPEND format_rows "      {\"${name}\", R\"yaml(${text})yaml\"},\n")
endforeach()
file(CONFIGURE OUTPUT ${PROJECT_BINARY_DIR}/shipped_formats.cpp @ONLY CONTENT [[
#include <utility>
#include <vector>

namespace bondsim {

const std::vector<std::pair<const char*, const char*>>& shipped_format_files();
const std::vector<std::pair<const char*, const char*>>& shipped_format_files() {
  static const std::vector<std::pair<const char*, const char*>> list = {
@format_rows@  };
  return list;
}

}  // namespace bondsim
]])
target_sources(bondsim_mapping_llm PRIVATE ${PROJECT_BINARY_DIR}/shipped_formats.cpp)
