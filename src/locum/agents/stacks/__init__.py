"""Stacks of CloudFormation: the reconciler that makes, changes and deletes their resources."""
