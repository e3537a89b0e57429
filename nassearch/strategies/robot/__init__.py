"""RoBoT: which combination of proxies to trust, learnt by Bayesian optimisation, then followed."""
