"""What scripts/benchmark does: servers, loads, measuring, results, report. One module for each."""
