"""The made company: raw files of one fictional retailer with known truth, for demos, tests and benchmarks."""
