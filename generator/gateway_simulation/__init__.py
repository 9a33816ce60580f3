"""The gateway of a generated project, run on this machine.

Policies, pools, breakers and limits are read from the evaluated resources; an interpreter of exactly the policy
elements that projects use carries calls to fake back ends. What it leaves out: docs/explanation/gateway-simulation.md.
"""
