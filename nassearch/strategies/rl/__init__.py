"""REINFORCE and the policy that it learns."""
