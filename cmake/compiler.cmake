# Warnings, hardening and sanitizers, on every target through the interface target ftpc_options.
add_library(ftpc_options INTERFACE)

target_compile_options(ftpc_options INTERFACE
  -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Wnon-virtual-dtor -Wold-style-cast -Woverloaded-virtual
  -Wimplicit-fallthrough)
if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
  # Clang 14 still guards coroutines of GCC's standard library behind a warning of its own.
  target_compile_options(ftpc_options INTERFACE -Wno-deprecated-experimental-coroutine)
endif()
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
  # GCC 12 sees impossible lengths in `"literal" + std::string` (GCC bug 105651, mended in 13).
  target_compile_options(ftpc_options INTERFACE -Wno-restrict -Wno-stringop-overflow)
endif()
if(FTPC_WERROR)
  target_compile_options(ftpc_options INTERFACE -Werror)
endif()

# Hardening: PIE, RELRO with immediate binding, stack protector, checked libc calls.
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
include(CheckPIESupported)
check_pie_supported(LANGUAGES CXX)
target_compile_options(ftpc_options INTERFACE -fstack-protector-strong -fstack-clash-protection)
target_link_options(ftpc_options INTERFACE -Wl,-z,relro,-z,now -Wl,-z,noexecstack)
target_compile_definitions(ftpc_options INTERFACE $<$<CONFIG:Debug>:_GLIBCXX_ASSERTIONS>)
if(NOT FTPC_SANITIZE)
  # _FORTIFY_SOURCE needs optimisation, and hides errors from the sanitizers.
  target_compile_options(ftpc_options INTERFACE
    $<$<CONFIG:Release,RelWithDebInfo>:-U_FORTIFY_SOURCE> $<$<CONFIG:Release,RelWithDebInfo>:-D_FORTIFY_SOURCE=3>)
  if(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|amd64")
    target_compile_options(ftpc_options INTERFACE -fcf-protection=full)
  endif()
endif()

if(FTPC_SANITIZE)
  # -g1: reports have functions and lines, and building takes a good deal less than with variables.
  target_compile_options(ftpc_options INTERFACE -fsanitize=${FTPC_SANITIZE} -fno-omit-frame-pointer -g1)
  target_link_options(ftpc_options INTERFACE -fsanitize=${FTPC_SANITIZE})
  target_compile_definitions(ftpc_options INTERFACE FTPC_SANITIZED) # src/server/lockdown/sanitizer_needs.hpp
  if(FTPC_SANITIZE MATCHES "undefined")
    target_compile_options(ftpc_options INTERFACE -fno-sanitize-recover=undefined)
    if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
      # What it puts before each function, Clang 14 cannot put before the parts of a coroutine ("Cannot represent a
      # difference across sections").
      target_compile_options(ftpc_options INTERFACE -fno-sanitize=function)
    endif()
  endif()
endif()
