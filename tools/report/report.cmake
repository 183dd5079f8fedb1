# What `bondsim report` puts into a page: the chart library, which npm fetches once for each lock file, and the scripts as one file.
set(BONDSIM_REPORT_DIR ${CMAKE_CURRENT_SOURCE_DIR}/report)
set(BONDSIM_REPORT_BUILD_DIR ${CMAKE_CURRENT_BINARY_DIR}/report)
if(BONDSIM_REPORT)
  find_program(NPM npm)
endif()

# A library that could not be fetched stands there as an empty file; the next configuration tries again.
if(EXISTS ${BONDSIM_REPORT_BUILD_DIR}/charts.js)
  file(SIZE ${BONDSIM_REPORT_BUILD_DIR}/charts.js size)
  if(size EQUAL 0)
    file(REMOVE ${BONDSIM_REPORT_BUILD_DIR}/charts.js)
  endif()
endif()
add_custom_command(
  OUTPUT ${BONDSIM_REPORT_BUILD_DIR}/charts.js
  COMMAND ${CMAKE_COMMAND} -DWANTED=${BONDSIM_REPORT} -DNPM=${NPM} -DFROM=${BONDSIM_REPORT_DIR} -DTO=${BONDSIM_REPORT_BUILD_DIR} -P ${BONDSIM_REPORT_DIR}/fetch.cmake
  DEPENDS ${BONDSIM_REPORT_DIR}/package.json ${BONDSIM_REPORT_DIR}/package-lock.json ${BONDSIM_REPORT_DIR}/fetch.cmake
  COMMENT "Fetching the report's chart library" VERBATIM)

set(scripts)
foreach(name palette_data format dom palette charts table sections/summary sections/time sections/roofline sections/energy sections/context
             sections/timeline sections/operators sections/experts sections/sweep sections/reproduction sections/configuration sections/comparison sections/ladder sections/validation
             sections/search sections/dataflows sections/serving sections/speculation sections/heat main)
  list(APPEND scripts ${BONDSIM_REPORT_DIR}/script/${name}.js)
endforeach()
add_custom_command(
  OUTPUT ${BONDSIM_REPORT_BUILD_DIR}/script.js
  COMMAND ${CMAKE_COMMAND} -E cat ${scripts} > ${BONDSIM_REPORT_BUILD_DIR}/script.js
  DEPENDS ${scripts} COMMENT "Joining the report's scripts" VERBATIM)

set_source_files_properties(${PROJECT_SOURCE_DIR}/tools/app/report/assets.cpp DIRECTORY ${PROJECT_SOURCE_DIR} PROPERTIES
  SKIP_PRECOMPILE_HEADERS ON
  COMPILE_DEFINITIONS "BONDSIM_REPORT_DIR=\"${BONDSIM_REPORT_DIR}\";BONDSIM_REPORT_BUILD_DIR=\"${BONDSIM_REPORT_BUILD_DIR}\""
  OBJECT_DEPENDS "${BONDSIM_REPORT_DIR}/template.html;${BONDSIM_REPORT_DIR}/style.css;${BONDSIM_REPORT_BUILD_DIR}/charts.js;${BONDSIM_REPORT_BUILD_DIR}/script.js")
add_custom_target(report_assets DEPENDS ${BONDSIM_REPORT_BUILD_DIR}/charts.js ${BONDSIM_REPORT_BUILD_DIR}/script.js)
add_dependencies(bondsim_tools_app_report report_assets)
# A compiler cache does not see what .incbin reads, and would hand out the page of before.
set_target_properties(bondsim_tools_app_report PROPERTIES CXX_COMPILER_LAUNCHER "")
