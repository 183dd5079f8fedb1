# cmake -DNPM=... -DFROM=... -DTO=... -P fetch.cmake: npm ci in the build tree, then the chart library out of it. Without npm or network the
# file is empty: bondsim builds all the same, and `report` says what is missing.
file(MAKE_DIRECTORY ${TO})
file(COPY ${FROM}/package.json ${FROM}/package-lock.json DESTINATION ${TO})
set(problem "npm is not installed")
if(NPM)
  execute_process(COMMAND ${NPM} ci --no-audit --no-fund --ignore-scripts --prefer-offline
    WORKING_DIRECTORY ${TO} TIMEOUT 300 RESULT_VARIABLE status OUTPUT_VARIABLE text ERROR_VARIABLE text)
  set(problem "npm ci failed (${status}): ${text}")
  if(status EQUAL 0)
    configure_file(${TO}/node_modules/echarts/dist/echarts.min.js ${TO}/charts.js COPYONLY)
    file(TOUCH ${TO}/charts.js)
    return()
  endif()
endif()
message(WARNING "bondsim report will not work: ${problem}")
file(WRITE ${TO}/charts.js "")
