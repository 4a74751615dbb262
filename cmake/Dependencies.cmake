# Libraries of Debian 12 and Ubuntu 24.04; scripts/setup installs them.

find_package(PkgConfig REQUIRED)
find_package(Threads REQUIRED)
if(OBSERVE_STATIC)
  # Debian packages fmt as a shared library only; its headers can do without.
  find_path(FMT_INCLUDE_DIR fmt/core.h REQUIRED)
  add_library(fmt::fmt INTERFACE IMPORTED)
  target_compile_definitions(fmt::fmt INTERFACE FMT_HEADER_ONLY=1)
else()
  find_package(fmt REQUIRED)
endif()
find_package(CLI11 REQUIRED)
find_package(nlohmann_json REQUIRED)
find_package(ZLIB REQUIRED)

# pkg_library(TARGET MODULE): an imported target, static when everything is.
function(pkg_library target module)
  pkg_check_modules(${target} REQUIRED ${module})
  add_library(${target} INTERFACE)
  if(OBSERVE_STATIC)
    target_link_libraries(${target} INTERFACE ${${target}_STATIC_LIBRARIES})
  else()
    target_link_libraries(${target} INTERFACE ${${target}_LIBRARIES})
  endif()
  target_include_directories(${target} SYSTEM INTERFACE ${${target}_INCLUDE_DIRS})
  target_link_directories(${target} INTERFACE ${${target}_LIBRARY_DIRS})
endfunction()

pkg_library(zstd_library libzstd)
if(OBSERVE_BPF)
  pkg_library(bpf_library libbpf)
endif()
