"""The services that Locum is itself: one folder a service, one module a resource, one function a verb.

A verb is pure: (context, parameters) -> outcome. It raises Fault, and then nothing has changed.
"""
