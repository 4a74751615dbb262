# `cmake --install` and `cpack`: the program, its manual page, its shell completions, its licences.

include(GNUInstallDirs)
set(packaging ${PROJECT_SOURCE_DIR}/scripts/packaging)

set_target_properties(observe PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/bin)
install(TARGETS observe RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})

# -n: no time stamp, so that the same source gives the same package.
find_program(GZIP_PROGRAM gzip REQUIRED)
configure_file(${packaging}/observe.1.in observe.1 @ONLY)
add_custom_command(
  OUTPUT observe.1.gz
  COMMAND ${GZIP_PROGRAM} -9 -n --keep --force observe.1
  DEPENDS ${PROJECT_BINARY_DIR}/observe.1
  COMMENT "Compressing the manual page")
add_custom_target(observe_manual DEPENDS observe.1.gz)
# Whoever built the program alone, as scripts/observe does, can install it too.
add_dependencies(observe observe_manual)
install(FILES ${PROJECT_BINARY_DIR}/observe.1.gz DESTINATION ${CMAKE_INSTALL_MANDIR}/man1)

install(FILES ${packaging}/completions/observe.bash RENAME observe
        DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions)
install(FILES ${packaging}/completions/_observe
        DESTINATION ${CMAKE_INSTALL_DATADIR}/zsh/site-functions)
install(FILES ${packaging}/completions/observe.fish
        DESTINATION ${CMAKE_INSTALL_DATADIR}/fish/vendor_completions.d)
install(FILES README.md CHANGELOG.md ${packaging}/copyright DESTINATION ${CMAKE_INSTALL_DOCDIR})

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME observe)
set(CPACK_PACKAGE_VENDOR "The observe authors")
set(CPACK_PACKAGE_CONTACT "The observe authors <observe@localhost>")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "kernel-level scheduling observatory")
set(CPACK_DEBIAN_PACKAGE_DESCRIPTION
"Runs a workload or a program, watches the kernel's scheduler through eBPF
meanwhile, and explains what happened: who ran where, who waited and why, and
what it cost. Every number is checked against the kernel's own account.")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_STRIP_FILES ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION utils)
set(CPACK_DEBIAN_PACKAGE_PRIORITY optional)
# The libraries that the program was really linked to, with the versions that it needs.
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
include(CPack)
