// The main function of a test program, with Catch2 2 only; Catch2 3 has it in a library.
#define CATCH_CONFIG_MAIN
#include <catch2/catch.hpp>
