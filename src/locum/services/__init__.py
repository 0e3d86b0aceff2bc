"""The services that Locum implements: one package per service, one module per resource, one function per operation.

The function of an operation, its verb, is pure: (context, parameters) -> outcome. Where it raises Fault, nothing has
changed.
"""
