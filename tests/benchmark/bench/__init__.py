"""The parts of scripts/benchmark: servers, loads, measuring, results, report. One module for each."""
