# Compiler flags of every target, and the one way to declare a folder's library.

if(NOT CMAKE_SYSTEM_PROCESSOR STREQUAL "x86_64")
  message(FATAL_ERROR "observe reads x86-64 registers in its probes and counts in x86-64 assembly; "
                      "${CMAKE_SYSTEM_PROCESSOR} is not supported yet.")
endif()
if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE RelWithDebInfo CACHE STRING "" FORCE)
endif()

add_library(observe_flags INTERFACE)
target_compile_options(observe_flags INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wno-sign-conversion -Wnon-virtual-dtor
  -Wold-style-cast -Woverloaded-virtual -Wnull-dereference -Werror
  -fno-omit-frame-pointer -fstack-protector-strong)
# GCC 12 takes its own inlined containers for null or out of bounds at -O2.
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  target_compile_options(observe_flags INTERFACE
    -Wno-null-dereference -Wno-missing-field-initializers)
else()
  target_compile_options(observe_flags INTERFACE -Wno-missing-field-initializers)
endif()
if(OBSERVE_SANITIZE)
  target_compile_options(observe_flags INTERFACE -fsanitize=${OBSERVE_SANITIZE}
                                                 -fno-sanitize-recover=all)
  target_link_options(observe_flags INTERFACE -fsanitize=${OBSERVE_SANITIZE})
endif()
if(OBSERVE_STATIC)
  set(CMAKE_FIND_LIBRARY_SUFFIXES .a)
  # Copied to other machines: 6 MB without its symbols, 90 with them.
  target_link_options(observe_flags INTERFACE -static -s)
endif()

# observe_library(NAME SOURCES … LINKS …): a folder's library, with exactly the links it may have.
function(observe_library name)
  cmake_parse_arguments(arg "" "" "SOURCES;LINKS;PRIVATE_LINKS" ${ARGN})
  add_library(${name} STATIC ${arg_SOURCES})
  target_include_directories(${name} PUBLIC ${PROJECT_SOURCE_DIR}/userspace ${PROJECT_SOURCE_DIR})
  target_link_libraries(${name} PUBLIC ${arg_LINKS} PRIVATE observe_flags ${arg_PRIVATE_LINKS})
endfunction()
