"""What alerts add up to: frequency, response, patterns, flapping, false positives, suggestions."""
