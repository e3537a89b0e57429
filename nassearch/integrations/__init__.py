"""Zero-cost proxies inside the tools of others: each tool is a package of its own, such as `integrations.optuna`."""
