"""Audits of a plane: the evidence is read of the state, the record, and by calls; `analysis.audit` has the checks.

question   the question of `locum audit`, and its answer
reading    what is read of other services, by calls with the permissions of who asks
wearers    what wears roles in the state
"""
