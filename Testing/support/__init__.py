"""What several tests and benchmarks share: small models, real scans, made-up data sets, panel and report helpers."""
