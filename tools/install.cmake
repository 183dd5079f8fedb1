# What `cmake --install` puts where, and the Debian package (`cpack -G DEB` in the build directory). The binary finds the rest from where it
# stands itself (tools/app/shipped.hpp), so the prefix may be any.
set(CMAKE_SKIP_INSTALL_ALL_DEPENDENCY TRUE)  # tests need not be built for it
include(GNUInstallDirs)
set(BONDSIM_SHARE ${CMAKE_INSTALL_DATADIR}/bondsim)
set(CMAKE_INSTALL_DEFAULT_COMPONENT_NAME bondsim)
install(TARGETS bondsim RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
if(TARGET bondsim_mpi)
  install(TARGETS bondsim_mpi LIBRARY DESTINATION lib/bondsim OPTIONAL)
endif()
if(TARGET bondsim_python)
  set(BONDSIM_PYTHON_PACKAGES lib/python3/dist-packages)  # where Debian's Python looks, below /usr and /usr/local
  install(TARGETS bondsim_python LIBRARY DESTINATION ${BONDSIM_PYTHON_PACKAGES}/bondsim COMPONENT python OPTIONAL)
  install(DIRECTORY tools/python/bondsim DESTINATION ${BONDSIM_PYTHON_PACKAGES} COMPONENT python PATTERN "__pycache__" EXCLUDE)
  install(DIRECTORY tools/python/examples DESTINATION ${CMAKE_INSTALL_DATADIR}/doc/python3-bondsim COMPONENT python)
endif()
install(DIRECTORY configs traces DESTINATION ${BONDSIM_SHARE})
install(DIRECTORY tools/ DESTINATION ${BONDSIM_SHARE}/tools FILES_MATCHING PATTERN "*.py" PATTERN python EXCLUDE PATTERN report EXCLUDE PATTERN commands EXCLUDE
        PATTERN parallel EXCLUDE PATTERN completion EXCLUDE)
install(FILES tools/report/script/palette_data.js DESTINATION ${BONDSIM_SHARE}/tools/report/script)  # the figures' colours
install(DIRECTORY tools/report/images DESTINATION ${CMAKE_INSTALL_DOCDIR}/tools/report)              # README.md shows them
install(FILES tools/completion/bondsim.bash DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions RENAME bondsim)
install(FILES tools/GLOSSARY.md DESTINATION ${BONDSIM_SHARE}/tools)                                    # `bondsim help WORD`
install(FILES README.md LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR})
install(FILES tests/ACCURACY.md DESTINATION ${CMAKE_INSTALL_DOCDIR}/tests)
install(DIRECTORY models mapping sim configs traces tools DESTINATION ${CMAKE_INSTALL_DOCDIR}
        FILES_MATCHING PATTERN "README.md" PATTERN node_modules EXCLUDE)

# Two Debian packages: the command, and the Python package, which needs the first for the configurations.
set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME bondsim)
set(CPACK_PACKAGE_VENDOR bondsim)
set(CPACK_PACKAGE_CONTACT "bondsim <bondsim@localhost>")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "cycle-level simulator of LLM inference on hybrid-bonded near-memory DRAM")
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_COMPONENTS_ALL bondsim)
set(CPACK_DEBIAN_BONDSIM_PACKAGE_NAME bondsim)
set(CPACK_DEBIAN_PACKAGE_SECTION science)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_BONDSIM_PACKAGE_SUGGESTS "python3-matplotlib, openmpi-bin")
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_STRIP_FILES ON)
if(TARGET bondsim_python)
  list(APPEND CPACK_COMPONENTS_ALL python)
  set(CPACK_COMPONENT_PYTHON_DESCRIPTION "Python package of bondsim")
  set(CPACK_DEBIAN_PYTHON_PACKAGE_NAME python3-bondsim)
  set(CPACK_DEBIAN_PYTHON_PACKAGE_SECTION python)
  # The module is built for one minor version of Python.
  math(EXPR next_python "${Python_VERSION_MINOR} + 1")
  set(CPACK_DEBIAN_PYTHON_PACKAGE_DEPENDS
      "bondsim (= ${PROJECT_VERSION}), python3 (>= 3.${Python_VERSION_MINOR}), python3 (<< 3.${next_python})")
  set(CPACK_DEBIAN_PYTHON_PACKAGE_RECOMMENDS "python3-pandas")
  set(CPACK_DEBIAN_PYTHON_PACKAGE_SUGGESTS "python3-matplotlib")
endif()
include(CPack)
